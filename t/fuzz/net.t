#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# No frame of a guest's leads the daemon astray, see net.c.
#
# LG_LONG=1 goes on for fifty times as long, and `make fuzz-net` for ever.

. t/lib/tap.sh

runs=100000
[ -z "${LG_LONG:-}" ] || runs=$((runs * 50))
[ -x build/t/net-fuzz ] || bail_out 'build/t/net-fuzz: not built, make all'

plan 1
said=$(build/t/net-fuzz -seed=1 -runs=$runs -max_len=1600 2>&1)
ok $? "$runs frames and headers do no harm" || diag "$said"
