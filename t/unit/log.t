#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See log.c.

. t/lib/c.sh
c_test t/unit/log.c daemon/log.c -fsanitize=address,undefined
