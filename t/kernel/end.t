#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Off, again and a crash are told apart, on both machines.
#
# lguest_power_off, lguest_panic and pm_power_off of the seed.

. t/kernel/kernel.sh

# ends MACHINE WORD STATUS PATTERN NAME
ends() {
	case " ${KERNEL_ON:-native lguest} " in *" $1 "*) ;; *) return ;; esac
	"on_$1" end "end=$2" >"$kernel_dir/out" 2>&1
	is $? "$3" "$1: $5"
	like "$(tr -d '\r' <"$kernel_dir/out")" "$4" "$1: and says so"
}

rig_need
ends native off 0 '^mark: power off,' 'lguest_power_off: it turns itself off'
ends lguest off 0 '^osrun: shut down: power off: Power down$' \
	'lguest_power_off: it turns itself off'
ends native restart 0 '^mark: restart,' 'restart: it starts again'
ends lguest restart 3 '^osrun: shut down: restart: ' 'restart: it starts again'
ends native panic 3 '^panic: end: it was asked for \(42\)$' \
	'lguest_panic: a panic is a crash'
ends lguest panic 1 '^osrun: shut down: crash: end: it was asked for \(42\)$' \
	'lguest_panic: a panic is a crash, and the host has its text'
ends native oops 3 '^panic: page fault: .*cr2 0x3000' \
	'panic: a fault of the kernel is one'
ends lguest oops 1 '^osrun: shut down: crash: page fault: .*cr2 0x3000' \
	'panic: a fault of the kernel is one'
ends native stack 3 '^panic: double fault: ' \
	'lguest_load_tr_desc: a lost stack is a double fault, on another one'
ends lguest stack 1 '^osrun: shut down: crash: double fault: ' \
	'lguest_load_tr_desc: a lost stack is a double fault, on another one'
done_testing
