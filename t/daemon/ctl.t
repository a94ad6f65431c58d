#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nobody on the control socket can do more than is written in proto.h.
. t/lib/c.sh
c_test t/daemon/ctl.c
