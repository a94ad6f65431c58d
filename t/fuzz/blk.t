#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing that a guest asks of a disk hurts the daemon, see blk.c.
#
# LG_LONG=1 goes on for fifty times as long, and `make fuzz-blk` for ever.

. t/lib/tap.sh

runs=2000
[ -z "${LG_LONG:-}" ] || runs=$((runs * 50))
[ -x build/t/blk-fuzz ] || bail_out 'build/t/blk-fuzz: not built, make all'

corpus=$(mktemp -d) || bail_out 'no folder for the corpus'
trap 'rm -rf "$corpus"' EXIT
t/fuzz/corpus.sh unpack t/fuzz/blk.corpus "$corpus"

plan 2
said=$(build/t/blk-fuzz -runs=0 "$corpus" 2>&1)
ok $? 'what was found before does no harm' || diag "$said"
said=$(build/t/blk-fuzz -seed=1 -runs=$runs -max_len=1024 "$corpus" 2>&1)
ok $? "nor do $runs more" || diag "$said"
