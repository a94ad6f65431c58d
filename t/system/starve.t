#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A host without memory refuses, and nothing else happens.
#
# Each allocation of lg.ko's is made to fail: while the module is loaded, in the
# life of a VM, and at random while guests run.  What had no memory is done when
# it is asked for again, so the guests must not notice; and no page is lost.
#
# Once: memory ends in the same way on every CPU, and this takes minutes.

LG_KO=build/debug/lg.ko
. t/system/inside.sh
inside -t 600

# load_starved - one walk: insmod with each allocation failing
load_starved() {
	rmmod lg
	nth=1
	bad=''
	while [ "$nth" -lt 100 ]; do
		if said=$(insmod "$LG_KO" fail_nth="$nth" 2>&1); then
			left=$(cat /sys/module/lg/parameters/fail_nth)
			[ "$left" = 0 ] || break
			bad="$bad $nth: loaded all the same;"
			rmmod lg
		elif ! echo "$said" | grep -q 'Cannot allocate memory'; then
			bad="$bad $nth: $said;"
		fi
		nth=$((nth + 1))
	done
	echo 0 >/sys/module/lg/parameters/fail_nth
}

load_starved
clean "$bad" 'the module is not loaded without any of its memory'
[ "$nth" -gt 5 ] && [ "$nth" -lt 100 ]
ok $? "and was refused for each of $((nth - 1)) pieces of it"

run build/t/system/starve
is "$rc" 0 'each allocation in the life of a VM'
diag "$out"

# A table of 8192 entries is a thousand accesses, and has to be had in one go.
for guest in events faults step flags interrupts told views paging ldt; do
	most=30
	[ "$guest" != ldt ] || most=5000
	LG_STARVE=$most run build/t/lgrun "build/t/guest/$guest.elf"
	is "$rc" 0 "a guest that starves does not notice: $guest" ||
		diag "$(echo "$out" | grep -B 3 '^not ok')"
done
for kernel in smp nmi traps; do
	LG_STARVE=60 run build/t/osrun -c 2 "build/t/kernel/$kernel.elf"
	! echo "$out" | grep -q '^not ok' && [ "$rc" = 0 ]
	ok $? "nor does a kernel: $kernel" || diag "$rc: $err; $(echo "$out" | tail -n 20)"
done
done_testing
