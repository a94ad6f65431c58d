# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# kernel.sh - the same kernel on a machine of its own and under lguest
#
#	#!/bin/sh
#	# What NAME.c pins down.
#	. t/kernel/kernel.sh
#	kernel_test NAME
#
# What the kernel says on its console is TAP.  Both machines' checks are shown,
# each with the name of its machine, and then it is checked that they are the
# same: a check that only one of them makes is a failure, whatever it says.
#
# The machine of its own is QEMU's TCG, here; lguest is in the rig.
# KERNEL_ON=native or KERNEL_ON=lguest runs one of the two alone.

. t/lib/tap.sh
. t/lib/rig.sh

KERNEL_CPUS=${KERNEL_CPUS:-2}
KERNEL_LIMIT=${KERNEL_LIMIT:-300}	# seconds, on a busy machine
kernel_dir=$(mktemp -d)
trap 'rm -rf "$kernel_dir"' EXIT

# on_native NAME [WORD...] - its console; the status is QEMU's: 0 off or reset,
# 3 a crash, which is what isa-debug-exit makes of it
on_native() {
	on_elf=build/t/kernel/$1.elf
	shift
	timeout "$KERNEL_LIMIT" qemu-system-x86_64 -accel tcg -cpu max -m 64 \
		-smp "$KERNEL_CPUS" -kernel "$on_elf" -append "$*" \
		-display none -monitor none -serial stdio -net none \
		-no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 </dev/null
}

# on_lguest NAME [WORD...] - its console; the status is osrun's: 0 off, 3 reset,
# 1 a crash
on_lguest() {
	on_elf=build/t/kernel/$1.elf
	shift
	rig_exec -m "${LG_MODEL:-amd}" -t "$KERNEL_LIMIT" -- build/t/osrun \
		-c "$KERNEL_CPUS" -t "${KERNEL_LIMIT}000" "$on_elf" "$@"
}

# relay MACHINE FILE STATUS - its checks become ours
relay() {
	while IFS= read -r relay_line; do
		case $relay_line in
		'ok '*' # SKIP '*) skip 1 "$1: ${relay_line#*SKIP }" ;;
		'ok '*) ok 0 "$1: ${relay_line#*- }" ;;
		'not ok '*) ok 1 "$1: ${relay_line#*- }" ;;
		'1..'*) ;;
		*) echo "# $relay_line" ;;
		esac
	done <"$2"
	is "$3" 0 "$1: and turns itself off"
	grep -q '^1\.\.[1-9]' "$2"
	ok $? "$1: it came to its end"
}

# verdicts FILE - what can be compared
verdicts() {
	tr -d '\r' <"$1" | grep -E '^(not )?ok |^1\.\.'
}

# kernel_test NAME [WORD...] - both ways; does not return
kernel_test() {
	kernel_name=$1
	shift
	[ -e "build/t/kernel/$kernel_name.elf" ]
	ok $? "build/t/kernel/$kernel_name.elf is built" || {
		done_testing
		exit 1
	}
	for kernel_on in ${KERNEL_ON:-native lguest}; do
		[ "$kernel_on" = native ] || rig_need
		"on_$kernel_on" "$kernel_name" word=42 "now=$(date +%s)" "$@" \
			>"$kernel_dir/$kernel_on" 2>&1 </dev/null
		relay "$kernel_on" "$kernel_dir/$kernel_on" $?
	done
	if [ -z "${KERNEL_ON:-}" ]; then
		is "$(verdicts "$kernel_dir/lguest")" \
			"$(verdicts "$kernel_dir/native")" \
			'both machines say the same'
	fi
	done_testing
	exit "$((tap_failed > 0))"
}
