#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing that can be read hurts whoever reads guests, see conf.c.
#
# LG_ROUNDS=50 goes on for fifty times as long, and `make fuzz-conf` for ever.

. t/lib/tap.sh

runs=5000
runs=$((runs * ${LG_ROUNDS:-1}))
[ -x build/t/conf-fuzz ] || bail_out 'build/t/conf-fuzz: not built, make all'
exec build/t/conf-fuzz --runs "$runs"
