#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See watch.c.

. t/lib/tap.sh
make -s build/t/daemon/watch >&2 || bail_out 'watch is not built'
exec build/t/daemon/watch
