#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A client's file that never answers is that client's trouble, and nobody else's.
. t/lib/c.sh
c_test t/daemon/fuse.c
