#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing that a guest writes into its rings hurts the daemon, see queue.c.
#
# LG_LONG=1 goes on for fifty times as long, and `make fuzz-queue` for ever.

. t/lib/tap.sh

runs=20000
[ -z "${LG_LONG:-}" ] || runs=$((runs * 50))
[ -x build/t/queue-fuzz ] || bail_out 'build/t/queue-fuzz: not built, make all'

corpus=$(mktemp -d) || bail_out 'no folder for the corpus'
trap 'rm -rf "$corpus"' EXIT
t/fuzz/corpus.sh unpack t/fuzz/queue.corpus "$corpus"

plan 2
said=$(build/t/queue-fuzz -runs=0 "$corpus" 2>&1)
ok $? 'what was found before does no harm' || diag "$said"
said=$(build/t/queue-fuzz -seed=1 -runs=$runs -max_len=1024 "$corpus" 2>&1)
ok $? "nor do $runs more" || diag "$said"
