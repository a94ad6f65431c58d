#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest is on the network: seen from this host, and on the way out of it.
#
# The world is a network namespace with an address that only NAT can answer to: it
# has no route to a guest's.  A guest of guestos gets an address from the daemon,
# pings its router, and the world, and is pinged from here, while the daemon is
# restarted and killed, and in the end while its interface is deleted.
#
# Once: what the daemon does is the same on every CPU.

. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 600
lguestd_install

plan 31

# console GUEST TEXT - has it said so?
console() {
	lgctl logs "$1" | grep -q "$2"
}

guest_address() {
	lgctl logs "$1" | tr -d '\r' | sed -n 's/^net: address //p' | tail -n 1
}

link() {
	lgctl info --json "$1" | grep -o '"link":"[a-z]*"'
}

lguestd_world

# ---- without forwarding
systemctl start lguestd
sysctl=/proc/sys/net/ipv4/ip_forward
echo 0 >$sysctl
lgctl create "$(guest_file alone 'network: local' 'cmdline: init=clock')"
wait_for 'an address' console alone 'net: address 10.186'
ok $? 'a guest gets an address'
wait_for 'its router' console alone 'net: router .* answers'
ok $? 'and reaches this host'
like "$(journalctl -b -o cat LGUEST_NAME=alone)" \
	'nothing behind it: the sysctl net.ipv4.ip_forward is 0' \
	'a host that does not forward is named'
like "$(journalctl -b -o cat LGUEST_NAME=alone)" 'this host has no default route' \
	'and why passt cannot help'
lgctl destroy alone

# ---- without it, and with passt
# services - those that systemd has started for a guest
services() {
	systemctl list-units --plain --no-legend "lguest-$1-*.service" |
		cut -d' ' -f1
}

no_services() {
	[ -z "$(services "$1")" ]
}

# answers GUEST COUNT - so often has the world answered it
answers() {
	[ "$(lgctl logs "$1" | grep -c "net: $world answers")" = "$2" ]
}

ip route add default via $world
# The range that systemd gives everybody elsewhere; a ping is a socket's here.
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range
file=$(guest_file user 'network: local' "cmdline: ping=$world init=clock")
lgctl create "$file"
wait_for 'the world' answers user 1
ok $? 'a host that has passt lets a guest out all the same'
like "$(journalctl -b -o cat LGUEST_NAME=user)" \
	'by passt, and does not reach this host: the sysctl net.ipv4.ip_forward is 0' \
	'and the log says why'
passt=$(systemctl show -p MainPID --value "$(services user)")
is "$(ps -o user= -p "$passt")" _lguest 'passt is nobody of importance'
like "$(cat "/proc/$passt/cgroup")" 'machine\.slice/lguest-user-' \
	'beside the guest in its slice'
systemctl restart lguestd
lguestd_kill KILL
lgctl reset user
wait_for 'the world again' answers user 2
ok $? 'daemons that come after have it as well'
is "$(systemctl show -p MainPID --value "$(services user)")" "$passt" \
	'and it is the same'
kill "$passt"
wait_for 'the link to be down' sh -c 'lgctl info --json user | grep -q "\"link\":\"down\""'
ok $? 'its end is a link that is down'
lgctl reset user
wait_for 'the world once more' answers user 3
ok $? 'until the guest starts again'
lgctl destroy user
wait_for 'passt to end' no_services user
ok $? 'it ends with its guest'

mv /usr/bin/passt /usr/bin/passt.away
run lgctl create "$(guest_file user 'network: user')"
like "$err" '^lgctl: .*net0: /usr/bin/passt: No such file or directory .*package' \
	'who wishes for it is told that it is not installed'
mv /usr/bin/passt.away /usr/bin/passt

echo 1 >$sysctl
nft 'add table inet theirs; add chain inet theirs onward { type filter hook forward priority 0; policy drop; }'
lgctl create "$(guest_file user 'network: local' "cmdline: ping=$world init=clock")"
wait_for 'the world' answers user 1
ok $? 'and where a firewall drops what is forwarded'
like "$(journalctl -b -o cat LGUEST_NAME=user)" \
	'by passt, .* the chain "onward" of table "inet theirs" drops' 'which is named'
lgctl destroy user
nft delete table inet theirs

# ---- with it
echo 1 >$sysctl
lgctl create "$(guest_file web 'network: local' "cmdline: ping=$world init=clock")"
wait_for 'the world' console web "net: $world answers"
ok $? 'the world answers a guest, which it has no way to'
address=$(guest_address web)
busybox ping -c 20 -i 0.05 -s 1000 "$address" >"$tmp/ping" 2>&1
ok $? 'this host pings it' || diag "$(cat "$tmp/ping")"
like "$(cat "$tmp/ping")" ' 0% packet loss' 'and nothing is lost'

# ---- whoever serves it, under load
# What is sent to a guest meanwhile waits in its tap, more than it has buffers.
# We count what comes back to this host: ping's own socket overflows.
echoes() {
	awk '$1 == "Icmp:" && column { print $column; exit }
		$1 == "Icmp:" { for (i = 2; i <= NF; i++)
			if ($i == "InEchoReps") column = i }' /proc/net/snmp
}

# answered CMD... - of 200 pings while that is done
answered() {
	echoes_before=$(echoes)
	busybox ping -c 200 -i 0.05 -s 1000 "$address" >"$tmp/ping" 2>&1 &
	pinging=$!
	"$@" || diag "$*: failed"
	wait $pinging
	grep DUP "$tmp/ping"
	echo $(($(echoes) - echoes_before))
}

# The daemon serves nobody, and the host begins to doubt that the guest is there;
# by itself it would give up after three questions, and after three more throw away
# what was to be sent.
doubts() {
	ip -s neigh show "$address" | grep -q 'probes [89]'
}

hang() {
	hung=$(lguestd_pid)
	kill -STOP "$hung"
	ip neigh change "$address" dev lg-0 nud probe
	wait_for 'eight questions' doubts
	kill -CONT "$hung"
}

is "$(answered systemctl restart lguestd)" 200 \
	'the daemon is restarted and no ping is lost or answered twice'
is "$(answered hang)" 200 'nor if it hangs for some seconds'
# A frame may be in its hands: out of the tap, and not yet the guest's.
like "$(answered lguestd_kill KILL)" '^(199|200)$' 'nor, but for one, if it is killed'
is "$(journalctl -b -o cat LGUEST_NAME=web | grep -c 'not adopted')" 0 \
	'no device was lost on the way'
like "$(nft list table inet lguest)" "$address" 'its rules are there'
like "$(nft list table inet lguest)" '"lg-0" . fd6c:67.*::/64' 'those of IPv6, too'

# ---- its interface is deleted under load
busybox ping -c 100 -i 0.05 "$address" >"$tmp/ping" 2>&1 &
pinging=$!
ip link del lg-0
wait_for 'the link to be down' sh -c 'lgctl info --json web | grep -q "\"link\":\"down\""'
ok $? 'an interface that is deleted is a link that is down'
wait $pinging
is "$(journalctl -b -o cat LGUEST_NAME=web | grep -c 'is gone, and the link')" 1 \
	'which is said once'
is "$(guest_state web)" running 'and the guest goes on'

# ---- leftovers
systemctl stop lguestd
nft add table inet lguest
is "$(nft list tables | grep -c lguest)" 1 'there are rules of a daemon that is dead'
systemctl start lguestd
is "$(nft list tables | grep -c lguest)" 0 'rules of the dead are removed'
is "$(ip -o link show | grep -c ' lg')" 0 'and no interface is left'
