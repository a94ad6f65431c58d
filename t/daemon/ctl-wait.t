#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Answers that wait for a guest come when it has moved, if anybody is left.
. t/lib/c.sh
c_test t/daemon/ctl-wait.c
