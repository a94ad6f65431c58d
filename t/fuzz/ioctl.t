#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# No sequence of calls hurts the host, or leaves anything behind.
#
# A daemon is trusted with little: whatever it passes, in whatever order, from
# however many threads, it may harm its own guests and nobody else.  So every
# call gets every kind of nonsense, on the usual machine and on one whose
# allocator checks for bytes written past the end or after they were freed.
#
# LG_ROUNDS=50 goes on for fifty times as long.

. t/lib/tap.sh
. t/lib/rig.sh
rig_need

runs=10
runs=$((runs * ${LG_ROUNDS:-1}))

# fuzz MODEL - a fresh machine, fuzzed, and nothing holds the module after it
fuzz() {
	run t/rig/rig exec -f -m "$1" -t 560 -- sh -c \
		"build/t/ioctl-fuzz --runs $runs && rmmod lg"
	diag "$(printf '%s\n' "$out" | sed "s/^/$1: /")"
	ok "$rc" "$1: the host is well, and nothing is left ($runs runs)" ||
		diag "$err"
}

plan 2
fuzz "${LG_MODEL:-amd}"
fuzz slub
