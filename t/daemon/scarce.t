#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See scarce.c.

. t/lib/tap.sh
make -s build/t/daemon/scarce >&2 || bail_out 'scarce is not built'
exec build/t/daemon/scarce
