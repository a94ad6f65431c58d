#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See descriptor.c.

. t/lib/c.sh
c_test t/unit/descriptor.c
