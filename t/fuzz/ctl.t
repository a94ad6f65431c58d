#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing that is said on the control socket stops lguestd.
. t/lib/c.sh
c_test t/fuzz/ctl.c -It/daemon
