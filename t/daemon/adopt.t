#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See adopt.c.

. t/lib/tap.sh
make -s build/t/daemon/adopt >&2 || bail_out 'adopt is not built'
exec build/t/daemon/adopt
