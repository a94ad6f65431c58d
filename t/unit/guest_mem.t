#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See guest_mem.c.

. t/lib/c.sh
c_test t/unit/guest_mem.c daemon/guest_mem.c
