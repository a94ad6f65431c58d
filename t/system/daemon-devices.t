#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's devices are there for as long as it is, whoever serves them.
#
# A guest of guestos prints on hvc0 what it reads from its random generator, line
# after line, while the daemon is restarted and killed: no line is lost, none
# comes twice.  Its balloon gives RAM back to this machine, and gets it again.  A
# guest that floods its console leaves lgctl what it needs.
#
# Once: what the daemon does is the same on every CPU.

. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 600
lguestd_install

plan 28

# device GUEST NAME[.VALUE] - its status, or a value of its own
device() {
	lgctl info "$1" | sed -n "s/^device\.$2  *//p"
}

# last_line GUEST - the number of the last whole one
last_line() {
	lgctl logs "$1" | sed '$d' | grep -E '^[0-9]+ [0-9]+$' | tail -n 1 |
		cut -d' ' -f1
}

# printed_past GUEST NUMBER - has it come so far?
printed_past() {
	printed=$(last_line "$1")
	[ "${printed:-0}" -gt "$2" ]
}

# ---- the sample, as it is ----
# What hello.yaml is for: all five devices, on a machine that has nothing yet.
hello_waits() {
	lgctl logs hello | grep -q '^shell:'
}

run lgctl create config/guests/hello.yaml
is "$rc $err" '0 ' 'the sample is a guest'
wait_for 'its prompt' hello_waits
said=$(lgctl logs hello | tr -d '\r')
like "$said" '^rng: [0-9a-f]{32}$' 'it has random bytes'
like "$said" '^disk: 16 MiB, written and read, start number 1$' \
	'and a disk, which was not there before'
like "$said" '^network: 10\.186\.[0-9.]+, router [0-9.]+ answers$' 'a network'
like "$said" '^balloon: the host has 0 KiB of ours' 'and a balloon'
is "$(for name in console disk0 net0 rng balloon; do device hello $name; done |
	uniq -c | tr -s ' ')" ' 5 running' 'all five are in use'
is "$(stat -c '%s %a' /var/lib/lguest/disks/hello.img)" '16777216 600' \
	'the disk is a file of whoever called lgctl'
lgctl destroy hello
lgctl create config/guests/hello.yaml
wait_for 'its prompt' hello_waits
like "$(lgctl logs hello | tr -d '\r')" 'start number 2$' \
	'and is there the next time'
lgctl destroy hello

# ---- they are there ----
run lgctl create "$(guest_file noise 'cmdline: init=noise' \
	'console: {log_size: 64M}')"
is "$rc" 0 'a guest that uses its devices' || diag "$err"
wait_for 'its first lines' printed_past noise 10
is "$(device noise console)" running 'its console runs'
is "$(device noise rng)" running 'and its random generator'
is "$(device noise balloon)" running 'and its balloon'
like "$(lgctl info noise)" 'device.console +running' 'lgctl shows them to a person'

# ---- whoever serves them ----
for how in restart KILL restart KILL TERM; do
	before=$(last_line noise)
	case $how in
	restart) systemctl restart lguestd ;;
	*) lguestd_kill "$how" ;;
	esac
	wait_for "lines after $how" printed_past noise $((before + 500))
	is "$(guest_state noise) $(device noise rng)" 'running running' \
		"after $how it goes on, with its devices"
done
lgctl pause noise
lgctl logs noise | sed '1d;$d' | grep -E '^[0-9]+ [0-9]+$' >"$tmp/lines"
ok "$([ "$(wc -l <"$tmp/lines")" -gt 1000 ]; echo $?)" 'there are many lines'
is "$(awk 'NR > 1 && $1 != last + 1 { print last, $1 } { last = $1 }' \
	"$tmp/lines" | head -n 3)" '' 'none is missing and none comes twice'
is "$(cut -d' ' -f2 "$tmp/lines" | sort | uniq -d | wc -l)" 0 \
	'no random number comes twice'
is "$(journalctl -b -o cat LGUEST_NAME=noise | grep -c 'not adopted')" 0 \
	'no device was lost on the way'
lgctl resume noise

# ---- what a flood leaves to others ----
run timeout 20 lgctl list
is "$rc" 0 'lgctl is answered beside it'
run lgctl destroy noise
is "$rc" 0 'and can end it' || diag "$err"

# ---- a balloon ----
# held GUEST - KiB of RAM that its memfd has here
held() {
	held_pid=$(lguestd_pid)
	for held_fd in /proc/"$held_pid"/fd/*; do
		case $(readlink "$held_fd") in
		*"memfd:$1.ram"*)
			echo $(($(stat -L -c %b "$held_fd") / 2))
			return
			;;
		esac
	done
}

holds_less() {
	[ "$(held "$1")" -lt "$2" ]
}

actual_is() {
	[ "$(device "$1" balloon.actual_bytes)" = "$2" ]
}

balloon_runs() {
	[ "$(device prompt balloon)" = running ]
}

run lgctl create "$(guest_file prompt 'cmdline: init=shell' 'memory: 64M')"
wait_for 'its balloon' balloon_runs
run lgctl balloon prompt 24M
is "$rc" 0 'a guest shall do with less' || diag "$err"
wait_for 'it to do so' actual_is prompt $((40 << 20))
ok 0 'and it does'
ok "$(holds_less prompt $((26 << 10)); echo $?)" \
	'its RAM is with this machine again' || diag "$(held prompt) KiB"
run lgctl balloon prompt 64M
wait_for 'it to have it again' actual_is prompt 0
is "$(guest_state prompt)" running 'and can have it back'
