#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lguestd is a service like others: installed, started by whoever asks, stopped.
#
# All of it as an administrator meets it, under a real systemd: units that
# start, a socket that answers before there is a daemon, a guest from its YAML
# file to its end, a guest that is a unit, and machinectl, which knows guests.

. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 600
lguestd_install

plan 26

# ---- asked before it runs ----
is "$(lguestd_pid)" 0 'nobody has started the daemon'
run lgctl list
is "$rc $err" '0 ' 'but who asks is answered: the socket starts it'
is "$(systemctl is-active lguestd)" active 'now it runs'
like "$(systemctl show -p StatusText --value lguestd)" '^0 guests' \
	'and says what it does'

run lgctl doctor
is "$rc" 0 'the doctor has nothing to mend' || diag "$out$err"
like "$out" '^ok +abi +module and lguest agree' 'it has asked the module'
like "$out" '^ok +daemon +lguestd .* answers' 'and the daemon'

# ---- one guest, from beginning to end ----
run sh -c 'echo off | lgctl run --foreground /etc/lguest/guests/hello.yaml'
is "$rc" 0 'a guest runs to its end' || diag "$err"
like "$out" '[a-z]' 'and its console is to be read'
is "$(lgctl list --json | tr -d ' \n')" '' 'nothing is left of it' ||
	diag "$(lgctl list)"
run journalctl -b -o cat LGUEST_NAME=hello
like "$out" '[a-z]' 'its history is in the journal, under its name'

# ---- what systemd and machinectl see of one ----
run lgctl create "$(guest_file clock 'cmdline: init=clock')"
is "$rc" 0 'a guest that goes on' || diag "$err"
is "$(guest_state clock)" running 'it runs'
pid=$(guest_pid clock)
is "$(ps -o user= -p "$pid")" _lguest 'its process is nobody of importance'
like "$(cat "/proc/$pid/cgroup")" 'machine\.slice/.*\.scope$' \
	'in a scope of its own'
is "$(grep -h '^Cap\(Prm\|Eff\|Bnd\)' "/proc/$pid/status" |
	tr -d '0\n\t')" 'CapPrm:CapEff:CapBnd:' 'it has no capability'
is "$(cat "/proc/$pid/oom_score_adj")" 0 \
	'nor is it spared when memory is short, as the daemon is'
like "$(machinectl list --no-legend --no-pager)" '^clock ' \
	'machinectl knows it'
run lguestd
is "$rc" 1 'a second daemon is refused' || diag "rc $rc"
like "$err" 'lguestd' 'and says why' || diag "$out"
is "$(guest_pid clock)" "$pid" 'the guest of the first is none the worse'

# ---- a guest that is a unit ----
sed 's/^name:.*/name: unit/; s/^cmdline:.*/cmdline: init=clock/' \
	"$tmp/guests/clock.yaml" >/etc/lguest/guests/unit.yaml
systemctl start lguest@unit
is "$(guest_state unit)" running 'lguest@unit starts it'
systemctl stop lguest@unit
is "$(guest_state unit)" '' 'and stops it'

# ---- a real stop ----
systemctl stop lguestd.service 2>"$tmp/err"
is "$(ps -o pid= -p "$pid")" '' 'systemctl stop ends guests'
is "$(systemctl is-active lguestd.socket)" active 'and leaves the socket'
run lgctl list
is "$rc $err" '0 ' 'for the next who asks'
