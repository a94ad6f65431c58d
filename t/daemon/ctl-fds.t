#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Descriptors go where their message says, or are closed.
. t/lib/c.sh
c_test t/daemon/ctl-fds.c
