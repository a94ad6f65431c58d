#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lg.ko comes and goes as it likes, and so do CPUs and permissions.
#
# The module puts windows into page tables and leaves again; what it leaves
# behind would be found by the next one, so it comes and goes often, with guests
# in between.  A CPU may be off when it comes, and go and come back under a
# guest that is moved from it.  Whoever may not use it is told so.

. t/system/inside.sh
inside -t 200

insmod build/lgtest.ko # so that the scheduler is patched once and not forty times
spin=build/t/system/spin
tap_tmp

# start ARGUMENTS... - guests in the background, when they run; sets $pid
start() {
	: >"$tmp/log"
	"$spin" "$@" >"$tmp/log" 2>&1 &
	pid=$!
	until grep -q '^running' "$tmp/log"; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.05
	done
}

# stop NAME - stops them, and they had been well all the time
stop() {
	kill -TERM "$pid"
	wait "$pid"
	ok $? "$1" || diag "$(cat "$tmp/log")"
}

cpu1=/sys/devices/system/cpu/cpu1/online
has_cpu1() {
	[ -e "$cpu1" ]
}

# ---- coming and going ----

start hold
rmmod lg 2>"$tmp/err"
like "$(cat "$tmp/err")" 'in use' 'the module stays while a VM is open'
stop 'and the VM is none the worse'
rmmod lg
ok $? 'then it goes'
[ ! -e /dev/lguest ]
ok $? 'and its device with it'

failed=''
turns=$((5 * LG_ROUNDS))
for turn in $(seq $turns); do
	insmod "$LG_KO" && "$spin" once && rmmod lg || failed="$failed $turn"
done
clean "$failed" "$turns times it is loaded, runs a guest and is unloaded"
insmod "$LG_KO"
ok $? 'and once more'

# ---- who may ----

[ "$(stat -c '%a %U' /dev/lguest)" = '600 root' ]
ok $? 'the device is for root alone'
run setpriv --reuid=65534 --regid=65534 --clear-groups cat /dev/lguest
like "$err" 'Permission denied' 'others are told that they may not'

# ---- CPUs ----

if has_cpu1; then
	start bounce 3
	bad=''
	for turn in 1 2 3 4 5 6; do
		echo 0 >"$cpu1" || bad="$bad $turn-off"
		echo 1 >"$cpu1" || bad="$bad $turn-on"
	done
	clean "$bad" 'a CPU goes and comes back six times under load'
	stop 'and the guests that were on it have all they had'

	rmmod lg
	echo 0 >"$cpu1"
	insmod "$LG_KO"
	ok $? 'the module comes while a CPU is off'
	echo 1 >"$cpu1"
	"$spin" once 1
	ok $? 'and when it is on again a guest runs there'
	echo 0 >"$cpu1"
	rmmod lg
	ok $? 'the module goes while a CPU is off'
	echo 1 >"$cpu1"
	insmod "$LG_KO"
	"$spin" once 1
	ok $? 'and the next one finds that CPU as good as new'

	start bounce 4
	for turn in 1 2 3 4 5 6 7 8 9 10; do
		cat /proc/interrupts /proc/schedstat >/dev/null 2>&1
	done
	stop 'guests that are sent from CPU to CPU keep their registers'
	loads=$(sed -n 's/^loads //p' "$tmp/log")
	[ "${loads:-0}" -gt 20 ]
	ok $? "and they did move (loaded $loads times)"
else
	skip 8 'there is one CPU'
fi

rmmod lg
ok $? 'nothing holds the module at the end'
done_testing
