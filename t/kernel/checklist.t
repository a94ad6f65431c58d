#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Each name of the seed's that the kernel's README lists has a test that begins
# with it.

. t/lib/tap.sh

names=$(sed -n 's/^| \(`[^|]*\) |.*/\1/p' guestos/kernel/README.md |
	tr -d '`,')
for name in $names; do
	grep -q "[\"']$name: " t/kernel/*.c t/kernel/*.t
	ok $? "$name has a test of its own"
done
done_testing
