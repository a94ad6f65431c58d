#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The layout of the ABI is the one we promised.

. t/lib/c.sh
c_test t/unit/abi.c
