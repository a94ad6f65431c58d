#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Each crossing can be watched.
#
# There is a tracepoint for each, under events/lguest in tracefs.  They are
# what is left to look at when a guest does something odd on a machine that is
# not ours, so they have to be there, be off until asked for, and say whose
# crossing it was.

. t/system/inside.sh
inside -t 300

tracefs=/sys/kernel/tracing
[ -e "$tracefs/events" ] || mount -t tracefs tracefs "$tracefs" ||
	bail_out "tracefs cannot be mounted on $tracefs"

# some_guest - one that lives, and one that dies
some_guest() {
	build/t/lgrun build/t/guest/hello.elf >/dev/null
	build/t/lgrun build/t/guest/faults.elf >/dev/null
}

is "$(cat "$tracefs/events/lguest/enable")" 0 'tracing is off by itself'
echo >"$tracefs/trace"
some_guest
is "$(grep -c ' lg_' "$tracefs/trace")" 0 'and then nothing is traced'

echo 1 >"$tracefs/events/lguest/enable"
some_guest
echo 0 >"$tracefs/events/lguest/enable"
trace=$(grep -o ' lg_[a-z_]*: .*' "$tracefs/trace" | sort -u)

like "$trace" ' lg_load: vcpu 0 kernel' 'a vcpu comes to a CPU'
like "$trace" ' lg_enter: vcpu 0 kernel .* rip 0x' 'the guest is entered'
like "$trace" ' lg_exit: vcpu 0 kernel trap 0xe error 0x' 'and left, for a trap'
like "$trace" ' lg_exit: vcpu 0 user ' 'in user mode too'
like "$trace" ' lg_shadow_fill: vcpu 0 gva 0x' 'a shadow entry is made'
like "$trace" ' lg_hypercall: vcpu 0 number 17 ' 'the guest asks for something'
like "$trace" ' lg_kill: vcpu 0 ' 'it is killed'
like "$trace" ' lg_put: vcpu 0 ' 'and its vcpu leaves the CPU'
done_testing
