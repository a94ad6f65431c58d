#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What is typed reaches the shell, and the other programs end as they should.
#
# Input comes by a serial port that is looked at natively, and under lguest by an
# interrupt and tokens that osrun answers as a daemon does.  The same keys must
# give the same words.

. t/kernel/kernel.sh

# machine NAME PROGRAM - guestos with this first program, the keys on stdin
machine() {
	case $1 in
	native)
		timeout "$KERNEL_LIMIT" qemu-system-x86_64 -accel tcg -cpu max \
			-m 64 -kernel build/guestos.elf -append "init=$2" \
			-display none -monitor none -serial stdio -net none \
			-no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4
		;;
	lguest)
		rig_exec -i -m "${LG_MODEL:-amd}" -t "$KERNEL_LIMIT" -- \
			build/t/osrun -t "${KERNEL_LIMIT}000" build/guestos.elf \
			"init=$2"
		;;
	esac 2>/dev/null | tr -d '\r'
}

# typed MACHINE - what the shell says to some keys, one of them taken back
typed() {
	printf '%b\r' 'echo  one two' 'hallo' 'hexx\b\bllo you' 'fork' 'exit' |
		machine "$1" shell |
		sed -n '/^shell:/,/^init:/p'
}

machines=${KERNEL_ON:-native lguest}

# program NAME WANT SENTENCE - it says a line like this on each machine
program() {
	for on in $machines; do
		like "$(machine "$on" "$1" </dev/null)" "$2" "$on: $3"
	done
}

rig_need
[ -e build/guestos.elf ]
ok $? 'build/guestos.elf is built'
back=$(printf '> hexx\b \b\b \bllo you')
want="shell: \"help\" says what there is
> echo  one two
one two
> hallo
hallo: there is no such command or program
$back
hello, you
> fork
100 children, born and mourned
> exit
init: \"shell\" ended with 0"
for on in $machines; do
	is "$(typed "$on")" "$want" "$on: the shell does what it is told"
done
program crash '^panic: crash \([0-9]+\): it asked for a crash' \
	'a machine can crash on demand'
program reboot '^mark: restart,' 'and start again'
done_testing
