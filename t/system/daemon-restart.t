#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests go on while the daemon is restarted, killed, or hangs.
#
# A guest prints a line for each second of its life.  If it is the same guest
# afterwards, then it has booted once, its process is the one it was, and the
# lines that its console has are all of them, in order and without a gap.  What
# must be told apart is `systemctl restart`, which means the daemon, and
# `systemctl stop`, which means the guests as well.
#
# Once: what the daemon does is the same on every CPU.

. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 900
lguestd_install

# seconds NAME - how many the guest has counted, as far as its console knows
seconds() {
	lgctl logs "$1" 2>/dev/null | grep -c '^clock: line'
}

# older NAME COUNT - has it counted beyond that?
older() {
	[ "$(seconds "$1")" -gt "$2" ]
}

# lives NAME WHAT - it counts on, as the same guest
lives() {
	wait_for "$1 to count" older "$1" "$(seconds "$1")"
	ok $? "$1 counts on after $2"
	is "$(guest_pid "$1")" "$(cat "$tmp/pid.$1")" 'in the same process'
}

# gaps NAME - what is wrong with its lines, all of them
gaps() {
	lgctl logs "$1" | tr -d '\r' >"$tmp/console"
	[ "$(grep -c '^guestos ' "$tmp/console")" = 1 ] || echo 'booted twice'
	sed -n 's/^clock: line \([0-9]*\).*/\1/p' "$tmp/console" |
		awk 'NR > 1 && $1 != last + 1 { print last " then " $1 } { last = $1 }'
}

systemctl start lguestd
for name in one two; do
	lgctl create "$(guest_file $name 'cmdline: init=clock')" ||
		bail_out "$name cannot be created"
	guest_pid $name >"$tmp/pid.$name"
	wait_for "$name to count" older $name 0
done

first=$(lguestd_pid)
systemctl restart lguestd
ok $? 'systemctl restart succeeds'
[ "$(lguestd_pid)" != "$first" ]
ok $? 'it is another daemon'
lives one 'a restart'
lives two 'a restart'

lguestd_kill KILL
ok $? 'after kill -9 systemd starts another'
lives one 'kill -9'

lguestd_kill ABRT
lives one 'an abort'

# A clean end, and no job of systemd's: it would drop the store, and the guests.
lguestd_kill TERM
lives one 'a SIGTERM that systemd has not sent'

# Several in a row, at whatever the daemon is doing by then.
failed=''
for turn in $(seq $((3 * LG_ROUNDS))); do
	lguestd_kill KILL || failed="$failed $turn"
done
is "$failed" '' 'again and again'
lives one 'all of them'
lives two 'all of them'
clean "$(gaps one)" 'no second is missing from its console'
clean "$(gaps two)" 'nor from that of the other'

# ---- who asks meanwhile waits ----
kill -STOP "$(lguestd_pid)" # so that it is gone before it can answer
lgctl create "$(guest_file three 'cmdline: init=clock')" >"$tmp/out" 2>&1 &
create=$!
kill -KILL "$(lguestd_pid)"
wait $create
ok $? 'a guest is created as soon as there is a daemon again' ||
	diag "$(cat "$tmp/out")"

# ---- and a stop is a stop ----
systemctl stop lguestd.service 2>"$tmp/err"
ok $? 'systemctl stop succeeds'
is "$(systemctl show -p Result --value lguestd)" success 'with no violence'
is "$(pgrep -c lguest-run)" 0 'and no guest is left'
run journalctl -b -u lguestd -o cat
like "$out" 'shutdown: no guest is left' 'they were turned off, all of them'
is "$(systemctl list-units --no-legend --no-pager 'machine-*.scope' 'lguest-*.scope')" \
	'' 'nor a scope of one'
systemctl start lguestd
is "$(lgctl list --json)" '' 'the next daemon has nobody to adopt'
done_testing
