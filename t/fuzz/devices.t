#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing that a driver says hurts the daemon, see devices.c.
#
# LG_LONG=1 goes on for fifty times as long, and `make fuzz-devices` for ever.

. t/lib/tap.sh

runs=5000
[ -z "${LG_LONG:-}" ] || runs=$((runs * 50))
[ -x build/t/devices-fuzz ] || bail_out 'build/t/devices-fuzz: not built, make all'

plan 1
said=$(build/t/devices-fuzz -seed=1 -runs=$runs -max_len=1024 2>&1)
ok $? "$runs drivers do no harm" || diag "$said"
