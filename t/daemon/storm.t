#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See storm.c.

. t/lib/tap.sh
make -s build/t/daemon/storm >&2 || bail_out 'storm is not built'
exec build/t/daemon/storm
