#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# No NMI is lost, whatever a guest is doing when it comes.
#
# An NMI cannot be put off by us: it comes between any two instructions, also
# between those that change the page table, the stack and the IDT.  The host
# needs each one, for a watchdog or for a profiler, and needs it once.  So one
# CPU sends them and another runs guests, of every kind that keeps a different
# part of the Switcher busy; in single file, where as many must be seen as were
# sent, and in bursts, where one comes while the last is still being served and
# an iretq too early would let it in on top of that.
#
# LG_ROUNDS=50 makes it fifty times as many.

. t/system/inside.sh
inside -t 560

count=100
[ "$LG_MODEL" != singlestep ] || count=30
count=$((count * ${LG_ROUNDS:-1}))
insmod build/lgtest.ko || bail_out 'lgtest.ko cannot be loaded'
exec build/t/system/nmi "$count"
