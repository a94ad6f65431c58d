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

if [ -n "${LG_ALL:-}" ]; then plan 11; else plan 9; fi
linux_stdin=1
out=$(echo 'good day' | linux_run -c 2 -- checks=none end=heard)
is $? 0 'lguest_power_off: it turns itself off' || diag "$out"
out=$(echo "$out" | tr -d '\r')
like "$out" '^osrun: shut down: power off: Power down$' 'and the host knows why'
like "$out" '^\[ +0.000000\] Linux version 6' \
	'early_put_chars: the first line is there'
like "$out" 'LGUEST: \[mem 0x0+-0x0*0fffffff\] usable' \
	'lguest_memory_setup: RAM is what the loader says'
like "$out" '^init: heard good day$' 'input: what is typed reaches a program'
linux_stdin=
ends restart 3 '^osrun: shut down: restart: ' 'restart: it starts again'
ends panic 1 '^osrun: shut down: crash: sysrq triggered crash$' \
	'lguest_panic: a panic is a crash'
# The machine turns itself off in the same place of the port.
[ -z "${LG_ALL:-}" ] || ends halt 0 '^osrun: shut down: power off: System halted$' \
	'halt: it is off, too'
