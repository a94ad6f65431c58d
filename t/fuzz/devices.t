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

corpus=$(mktemp -d) || bail_out 'no folder for the corpus'
trap 'rm -rf "$corpus"' EXIT
t/fuzz/corpus.sh unpack t/fuzz/devices.corpus "$corpus"

plan 2
said=$(build/t/devices-fuzz -runs=0 "$corpus" 2>&1)
ok $? 'what was found before does no harm' || diag "$said"
said=$(build/t/devices-fuzz -seed=1 -runs=$runs -max_len=1024 "$corpus" 2>&1)
ok $? "nor do $runs more drivers" || diag "$said"
