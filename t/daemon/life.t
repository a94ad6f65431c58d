#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See life.c.

. t/lib/tap.sh
make -s build/t/daemon/life >&2 || bail_out 'life is not built'
exec build/t/daemon/life
