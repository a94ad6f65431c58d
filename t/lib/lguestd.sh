# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# lguestd.sh - the daemon as it is installed, under a real systemd, in the rig
#
#	. t/system/inside.sh
#	. t/lib/lguestd.sh
#	inside
#	lguestd_install
#	systemctl start lguestd
#
# A machine of the rig's is nobody's, so lguest is installed into it for good.
# What was said in the journal is shown when a check has failed, or when the
# test died half-way.
#
#	lguestd_install         build/stage over this machine, users, folders, units
#	lguestd_pid             of the daemon that runs, 0 if none does
#	lguestd_kill [SIGNAL]   ends it so, and waits until systemd has another
#	lguestd_world           a network behind this host, whose namespace is called
#	                        world; it has one address, $world, and no way to a
#	                        guest's but NAT
#	guest_file NAME [LINE]...  a guest of guestos as YAML; prints the path
#	guest_pid NAME          of its runner
#	guest_state NAME        in a word; nothing if there is no such guest
#	wait_for WHAT CMD...    until it succeeds; after a minute, or wait_s seconds,
#	                        that is a failure

lguestd_stage=build/stage
# shellcheck disable=SC2154 # those that tap.sh keeps
true "$tap_count" "$tap_failed" "${tmp:=}"

lguestd_install() {
	[ -e "$lguestd_stage/usr/sbin/lguestd" ] ||
		bail_out "$lguestd_stage: not there, run make all"
	cp -a "$lguestd_stage/." / || bail_out 'cannot install'
	# Who looks for lg.ko looks for this very one.
	depmod
	systemd-sysusers lguest.conf || bail_out 'systemd-sysusers failed'
	systemd-tmpfiles --create lguest.conf || bail_out 'tmpfiles failed'
	systemctl daemon-reload
	systemctl start lguestd.socket || bail_out 'the socket does not start'
	tap_tmp
	trap 'lguestd_tell; rm -rf "$tmp"' EXIT
}

# lguestd_tell - why a test that failed did so, as far as the journal knows
lguestd_tell() {
	lguestd_rc=$?
	[ "$lguestd_rc" -ne 0 ] || [ "$tap_failed" -ne 0 ] || return 0
	diag "$(journalctl -b -o short-monotonic --no-hostname --no-pager \
		-n 120 -u 'lguest*' -u '*.scope' SYSLOG_IDENTIFIER=lguestd + \
		_COMM=systemd 2>&1)"
	return "$lguestd_rc"
}

lguestd_pid() {
	systemctl show -p MainPID --value lguestd.service
}

lguestd_replaced() {
	lguestd_now=$(lguestd_pid)
	[ "$lguestd_now" != 0 ] && [ "$lguestd_now" != "$1" ] &&
		systemctl -q is-active lguestd.service
}

lguestd_kill() {
	lguestd_was=$(lguestd_pid)
	kill "-${1:-KILL}" "$lguestd_was"
	wait_for 'another daemon' lguestd_replaced "$lguestd_was"
}

lguestd_world() {
	world=192.0.2.2
	ip netns add world
	ip link add out type veth peer name in netns world
	ip address add 192.0.2.1/24 dev out
	ip link set out up
	ip -n world address add "$world/24" dev in
	ip -n world link set in up
}

guest_file() {
	guest_name=$1
	shift
	mkdir -p "$tmp/guests"
	{
		echo "name: $guest_name"
		echo 'kernel: /usr/lib/lguest/guestos.elf'
		for guest_line in "$@"; do
			echo "$guest_line"
		done
	} >"$tmp/guests/$guest_name.yaml"
	echo "$tmp/guests/$guest_name.yaml"
}

# guest_says NAME KEY - one word of `lgctl info --json`
guest_says() {
	lgctl info --json "$1" 2>/dev/null |
		sed -n "s/.*\"$2\": *\"\{0,1\}\([^\",}]*\).*/\1/p"
}

guest_pid() {
	guest_says "$1" pid
}

guest_state() {
	guest_says "$1" state
}

wait_for() {
	wait_what=$1
	shift
	wait_left=$((${wait_s:-60} * 10))
	until "$@"; do
		wait_left=$((wait_left - 1))
		[ "$wait_left" -gt 0 ] || {
			diag "waited in vain for $wait_what"
			return 1
		}
		sleep 0.1
	done
}
