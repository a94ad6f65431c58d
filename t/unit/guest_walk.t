#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See guest_walk.c.

. t/lib/c.sh
c_test t/unit/guest_walk.c hypervisor/guest_walk.c
