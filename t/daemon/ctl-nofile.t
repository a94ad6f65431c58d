#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# When descriptors run out clients wait at the door, and the daemon does not spin.
. t/lib/c.sh
c_test t/daemon/ctl-nofile.c
