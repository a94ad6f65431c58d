#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's network is there from its first start to its end, whole or not at all.
#
# All of it is in a network namespace of this test's own, and nothing of it is
# seen on this host.  The host's interfaces, addresses and rules are looked at;
# frames are t/unit/net.c's.

. t/lib/tap.sh

if [ -z "${LG_NETNS:-}" ]; then
	[ "$(id -u)" -eq 0 ] || {
		plan 1
		skip 1 'no root, who may make interfaces'
		exit
	}
	export LG_NETNS=1
	exec unshare --net --mount sh "$0"
fi
. t/lib/lgctl.sh

# taps - what ip has to say of each of ours
taps() {
	ip -d link show | grep -A 4 -E ': lgb?-?[0-9]+[:@]'
}

# rules - of our table, or that there is none
rules() {
	nft list table inet lguest 2>&1
}

# out - of the last lgctl, without what differs
refused() {
	is "$rc|$err" "1|lgctl: vm '$1': $2" "$3"
}

plan 29
ip link set lo up
lguestd_start

# ---- a network of its own

guest web 'power 40;wait;poweroff' 'network: local'
lgctl create "$tmp/web.yaml"
is "$rc$err" 0 'a guest with a network is created'
like "$(taps)" 'lg-0: .*UP' 'and has an interface, which is up'
like "$(taps)" 'alias lguest: web: net0' 'which says whose it is'
address=$(ip -o -4 address show lg-0 | sed -n 's/.*inet \(10\.186[^ ]*\) .*/\1/p')
like "$address" '^10\.186\.[0-9]+\.[0-9]+/30$' 'an address'
like "$(rules)" 'lg-0" . 10\.186' 'and rules'
prefix=$(ip -o -6 address show lg-0 | sed -n 's,.*inet6 \(fd6c:67[^ ]*::\)1/64 .*,\1,p')
like "$(rules)" "lg-0\" . $prefix/64" 'of IPv6 as well'
like "$(cat "$tmp/log")" 'web: net0: lg-0: reaches this host and nothing behind it: the sysctl net.ipv4.ip_forward is 0' \
	'a host that does not forward is named'
is "$(ip ntable show name arp_cache | grep -B 5 'ucast_probes 60' | grep -o 'dev.*')" \
	'dev lg-0 ' 'this host is patient with it, and with nobody else'
lgctl info --json web
like "$out" '"interface":"lg-0"' 'lgctl info shows the interface'
mac=$(echo "$out" | sed -n 's/.*"mac":"\([^"]*\)".*/\1/p')
like "$mac" '^.[26ae]:' 'and an address of its card that is given here'
lgctl info web # it said "network  0"
like "$out" '^network\[0\]\.mode +local$' 'a person is told of each network'

guest two 'power 40;wait;poweroff' 'network: [ local, { mode: local, mtu: 1400 } ]'
lgctl create "$tmp/two.yaml"
is "$(ip -o -4 address show | grep -c ' lg-')" 3 'another may have two'
like "$(ip link show lg-2)" 'mtu 1400' 'of different sizes'
is "$(ip -o -4 address show | sed -n 's/.*inet \([^ ]*\) .*lg-.*/\1/p' | sort -u |
	wc -l)" 3 'all of them have addresses of their own'
lgctl destroy two
is "$(ip -o -4 address show | grep -c ' lg-')" 1 'which go with it'
is "$(rules | grep -c 'lg-[12]"')" 0 'and so do their rules'

# ---- the same again

lgctl reset web
await running build/asan/lgctl list
like "$(taps)" 'lg-0: .*UP' 'a guest keeps its interface when it starts again'
ip link del lg-0
lgctl reset web
await 'lguest: web: net0' ip link show
like "$(taps)" 'lguest: web: net0' 'or has another, if somebody deleted it'
lgctl destroy web
is "$(ip -o link show | grep -c ' lg')" 0 'nothing is left of it'
like "$(rules)" 'No such file' 'no rules either'
guest web 'power 40;wait;poweroff' 'network: local'
lgctl create "$tmp/web.yaml"
is "$(ip -o -4 address show lg-0 | sed -n 's/.*inet \([^ ]*\) .*/\1/p')" \
	"$address" 'who comes back has the address it had'
lgctl destroy web

# ---- where it is somebody else who drops

echo 1 >/proc/sys/net/ipv4/ip_forward
nft 'add table ip theirs; add chain ip theirs FORWARD { type filter hook forward priority 0; policy drop; }'
lgctl create "$tmp/web.yaml"
like "$(tail -n 3 "$tmp/log")" 'the chain "FORWARD" of table "ip theirs" drops' \
	'a firewall that drops is named'
lgctl destroy web
nft delete table ip theirs
: >"$tmp/log"
lgctl create "$tmp/web.yaml"
is "$(grep -c 'reaches this host' "$tmp/log")" 0 'and without it all is well'
lgctl destroy web

# ---- bridges, and what is wrong

ip link add br0 type bridge
guest bridged 'power 40;wait;poweroff' 'network: { bridge: br0, mac: 52:54:00:12:34:56 }'
lgctl create "$tmp/bridged.yaml"
like "$(ip link show lgb0)" 'master br0' 'an interface may be a port of a bridge'
lgctl destroy bridged
guest bad 'wait' 'network: { bridge: br7 }'
lgctl create "$tmp/bad.yaml"
refused bad "net0: bridge 'br7': No such device" 'a bridge must be there'
guest bad 'wait' 'network: { bridge: lo }'
lgctl create "$tmp/bad.yaml"
refused bad "net0: bridge 'lo': is no bridge" 'and be one'
guest bad 'wait' 'network: user'
lgctl create "$tmp/bad.yaml"
like "$rc|$err" "^[14]\\|lgctl: vm 'bad': net0: [a-z/]*passt: " \
	'passt must be there, and a way out for it'
is "$(ip -o link show | grep -c ' lg')" 0 'nothing is left of those'
lguestd_stop
ok $? 'the daemon is well'
