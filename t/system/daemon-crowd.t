#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Many guests, and each of them alone: what one does to itself is nobody else's,
# and what is gone has left nothing.
#
# A guest is descriptors in two processes and in systemd, a process, a scope, a
# record, memory.  Any of them forgotten once is a daemon that dies after a
# week, so guests come and go two hundred times here and all of it is counted.
#
# Once: what the daemon does is the same on every CPU.

. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 1800
lguestd_install
systemctl start lguestd

seconds() {
	lgctl logs "$1" 2>/dev/null | grep -c '^clock: line'
}

older() {
	[ "$(seconds "$1")" -gt "$2" ]
}

gone() {
	[ -z "$(guest_state "$1")" ]
}

crashed() {
	[ "$(guest_state "$1")" = crashed ]
}

# ---- three, and a fourth that crashes ----
for name in one two three; do
	lgctl create "$(guest_file $name 'cmdline: init=clock')" ||
		bail_out "$name cannot be created"
	guest_pid $name >"$tmp/pid.$name"
done
lgctl create "$(guest_file bad 'cmdline: init=crash' 'on_crash: preserve')"
wait_for 'the fourth to crash' crashed bad
ok $? 'a guest crashes'
run lgctl info bad
like "$out$err" 'it asked for a crash' 'and is kept with the reason'
for name in one two three; do
	wait_for "$name to count" older $name "$(seconds $name)"
	is "$(guest_pid $name)" "$(cat "$tmp/pid.$name")" \
		"$name has not noticed"
done
kill -KILL "$(guest_pid two)"
wait_for 'two to crash' crashed two
ok $? 'a runner that is killed is a crash of its guest'
wait_for 'one to count' older one "$(seconds one)"
ok $? 'and of no other'
for name in one two three bad; do
	lgctl destroy $name
done
wait_for 'them to go' gone three

# ---- two hundred ----

# sizes - everything that could grow, a line each
sizes() {
	echo "descriptors of lguestd: $(find "/proc/$(lguestd_pid)/fd" -mindepth 1 | wc -l)"
	echo "descriptors in systemd: $(systemctl show lguestd -p NFileDescriptorStore --value)"
	echo "runners: $(pgrep -c lguest-run)"
	echo "scopes: $(systemctl list-units --all --no-legend --no-pager '*.scope' | grep -c lguest)"
	echo "machines: $(machinectl list --no-legend --no-pager | wc -l)"
	echo "guests: $(lgctl list --json | wc -l)"
}

# kib - of the daemon's own memory
kib() {
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(lguestd_pid)/status"
}

# churn TURNS - every other guest is destroyed before it has begun
churn() {
	for turn in $(seq "$1"); do
		if [ $((turn % 2)) = 0 ]; then
			lgctl create "$tmp/guests/churn.yaml"
		else
			lgctl create --no-wait "$tmp/guests/churn.yaml"
		fi || return
		lgctl destroy churn || return
	done
}

guest_file churn 'cmdline: init=clock' 'memory: 16M' >"$tmp/out"

# scope - the unit that the guest is in
scope() {
	systemctl list-units --no-legend --plain --no-pager 'lguest-churn-*.scope' |
		cut -d' ' -f1
}

# Once a guest was stopped with the scope of the one before it, which had the
# same name: systemd was told to stop that, and came to it late.
lgctl create "$tmp/guests/churn.yaml"
first=$(scope)
lgctl destroy churn
lgctl create "$tmp/guests/churn.yaml"
like "$(scope)" "^lguest-churn-$(guest_pid churn).scope" \
	'a guest is in a scope that is named for its process'
[ "$(scope)" != "$first" ]
ok $? 'which no other guest has had before'
lgctl destroy churn
wait_for 'the last to go' gone churn
churn 20
ok $? 'twenty come and go'
wait_for 'the last to go' gone churn
before=$(sizes)
memory=$(kib)
more=$((45 * LG_ROUNDS))
churn $more
ok $? "and $more more"
wait_for 'the last to go' gone churn
is "$(sizes)" "$before" 'nothing of them is left'
more=$(($(kib) - memory))
[ "$more" -lt 512 ]
ok $? "the daemon's memory stays as it is" || diag "$more KiB more"
is "$(lguestd_pid)" "$(systemctl show -p MainPID --value lguestd)" \
	'it is the same daemon' 
is "$(systemctl show -p NRestarts --value lguestd)" 0 'that never died'
done_testing
