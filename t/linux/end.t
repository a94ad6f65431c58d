#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Off, again and a panic of Linux are told apart, and a panic has its text.
#
# lguest_power_off, lguest_panic, lguest_restart; early_put_chars: the first line
# of the kernel's is there, and so is everything else, without a word of ours on
# its command line.

. t/linux/linux.sh
linux_need

# ends WORD STATUS PATTERN NAME
ends() {
	out=$(linux_run -c 2 -- checks=none "end=$1" 2>&1)
	is $? "$2" "$4" || diag "$out"
	like "$(echo "$out" | tr -d '\r')" "$3" "$4: and the host knows why"
}

plan 12
ends off 0 '^osrun: shut down: power off: Power down$' \
	'lguest_power_off: it turns itself off'
like "$out" '^\[ +0.000000\] Linux version 6' \
	'early_put_chars: the first line is there'
like "$out" 'LGUEST: \[mem 0x0+-0x0*0fffffff\] usable' \
	'lguest_memory_setup: RAM is what the loader says'
ends restart 3 '^osrun: shut down: restart: ' 'restart: it starts again'
ends panic 1 '^osrun: shut down: crash: sysrq triggered crash$' \
	'lguest_panic: a panic is a crash'
linux_stdin=1
out=$(echo 'good day' | linux_run -c 1 -- quiet checks=none end=heard)
is $? 0 'input: what is typed reaches a program' || diag "$out"
like "$(echo "$out" | tr -d '\r')" '^init: heard good day$' \
	'input: as it was typed'
linux_stdin=
ends halt 0 '^osrun: shut down: power off: System halted$' \
	'halt: it is off, too'
