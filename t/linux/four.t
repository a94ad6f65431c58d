#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Four Debian guests share two CPUs for ten minutes, and nothing is lost.
#
# They have two, one, four and one of their own.  Each reads programs and checks
# their sums, writes files and reads them back, talks to the world behind NAT and to
# the next of them, and turns its CPUs off and on (load.sh, traffic.c).  Then two
# turn themselves off and two are destroyed.  What they have written is on their
# disks; their memory and all else is the host's again.
#
# LG_SECONDS is how long they are busy.  For `make check-linux`.

[ -n "${LG_ALL:-}${LG_INSIDE:-}" ] || {
	echo '1..0 # SKIP it takes long; LG_ALL=1, or make check-linux'
	exit
}
. t/lib/tap.sh
. t/lib/rig.sh
. t/linux/debian.sh
names='one two three four'
out=build/rig/out/four
[ -n "${LG_INSIDE:-}" ] || {
	make -s build/t/linux/traffic || bail_out 'traffic is not built'
	debian_need four
	# The rig's own file system is in its memory, which is what we watch.
	for name in $names; do
		cp --reflink=auto --sparse=always $out/disk "$out/$name"
	done
}
. t/system/inside.sh
. t/lib/lguestd.sh
inside --ram 3G -t 7200
lguestd_install
seconds=${LG_SECONDS:-600}
echo 1 >/proc/sys/net/ipv4/ip_forward
systemctl start lguestd
lguestd_world
debian_keys four

# ---- what a host has of guests ----

# available - KiB that whoever wants them can have
available() {
	echo 3 >/proc/sys/vm/drop_caches
	sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo
}

# traces - all that a guest is on this host, a line each
traces() {
	echo "users of lg.ko: $(cat /sys/module/lg/refcnt)"
	echo "runners: $(pgrep -c lguest-run)"
	echo "scopes: $(systemctl list-units --all --no-legend --no-pager '*.scope' |
		grep -c lguest)"
	echo "machines: $(machinectl list --no-legend --no-pager | wc -l)"
	echo "interfaces: $(ip -o link show | grep -c ' lg')"
	echo "rules: $(nft list ruleset | grep -c '"lg-[0-9]')"
	echo "descriptors of lguestd: $(find "/proc/$(lguestd_pid)/fd" -mindepth 1 | wc -l)"
	echo "descriptors in systemd: $(systemctl show lguestd -p NFileDescriptorStore --value)"
}

# ---- the four ----

create() {
	cat >"$tmp/$1.yaml" <<-EOT
		name: $1
		kernel: /out/four/kernel
		initrd: /out/four/initrd
		cmdline: root=/dev/vda ro quiet called=$1
		memory: 320M
		cpus: $(cpus "$1")
		stop_timeout: 10m
		disks:
		- file: /out/four/$1
		network: local
	EOT
	lgctl create "$tmp/$1.yaml"
}

# The kernel may say something after that.
at_login() {
	lgctl logs "$1" | grep -aq 'login: '
}

# address NAME - which is the one that its interface's rule has
address() {
	nft list set inet lguest guests |
		sed -n "s/.*\"lg-$(number "$1")\" \. \([0-9.]*\).*/\1/p"
}

number() {
	case $1 in one) echo 0 ;; two) echo 1 ;; three) echo 2 ;; four) echo 3 ;; esac
}

after() {
	case $1 in one) echo two ;; two) echo three ;; three) echo four ;; four) echo one ;; esac
}

cpus() {
	case $1 in one) echo 2 ;; three) echo 4 ;; *) echo 1 ;; esac
}

into() {
	into_name=$1
	shift
	debian "$(address "$into_name")" "$@"
}

# Its login prompt is there before its sshd is.
answers() {
	into "$1" true 2>/dev/null
}

prepare() {
	into "$1" 'cat >/var/tmp/traffic' <build/t/linux/traffic &&
		into "$1" 'cat >/var/tmp/load.sh' <t/linux/load.sh &&
		into "$1" 'chmod +x /var/tmp/traffic; grep -o called=.* /proc/cmdline; nproc
			setsid /var/tmp/traffic serve 7000 >/dev/null 2>&1 </dev/null &'
}

work() {
	into "$1" "sh /var/tmp/load.sh $seconds /var/tmp/load $world 7000 \
		$(address "$(after "$1")") 7000" >"$tmp/$1.said" 2>&1 </dev/null
	echo $? >"$tmp/$1.status"
}

# said NAME - how far each of its works has come
said() {
	awk -F: '{ last[$1] = $0 }
		END { for (i in last) printf "%s; ", last[i] }' "$tmp/$1.said"
}

all_done() {
	for name in $names; do
		[ -e "$tmp/$name.status" ] || return
	done
}

gone() {
	! lgctl list --names | grep -qx "$1"
}

# What the daemon opens once, for the first guest, is there.
lgctl create "$(guest_file warm 'network: local' 'cmdline: init=clock')"
lgctl destroy warm
wait_for 'the first to go' gone warm
traces_before=$(traces)
before=$(available)

wait_s=3000 # each of them has the machine's leftovers
for name in $names; do
	run create "$name"
	is "$rc" 0 "$name is created" || diag "$err"
	wait_for "$name" at_login "$name" || {
		diag "$(lgctl logs "$name" | tail -n 20)"
		bail_out "$name does not come to its login prompt"
	}
	wait_for "$name's sshd" answers "$name"
	run prepare "$name"
	is "$rc $out" "0 called=$name
$(cpus "$name")" 'boots, and lets us in' || diag "$err"
done
during=$(available)

# ---- ten minutes ----
ip netns exec world build/t/linux/traffic serve 7000 &
server=$!
for name in $names; do
	work "$name" &
done
until all_done; do
	sleep 30
	for name in $names; do
		diag "$name: $(said "$name")"
	done
done
for name in $names; do
	is "$(cat "$tmp/$name.status")" 0 "$name: nothing was lost in $seconds s" ||
		diag "$(tail -n 20 "$tmp/$name.said")"
	for what in programs files $([ "$(cpus "$name")" = 1 ] || echo cpus); do
		like "$(cat "$tmp/$name.said")" "^$what: done after [1-9]" "$name: $what"
	done
	for to in $world "$(address "$(after "$name")")"; do
		like "$(cat "$tmp/$name.said")" "^talk $to: [1-9]" "$name: talked to $to"
	done
	run into "$name" 'dmesg | grep -E "WARNING|BUG:|Call Trace|\bstall|lockup|I/O error|EXT4-fs error"'
	is "$rc $out" '1 ' "$name: its kernel has seen nothing wrong"
done
kill $server

# ---- the end ----
run into one 'systemd-run --quiet --on-active=1 systemctl poweroff'
wait_for 'one to end' gone one
ok $? 'one turns itself off'
run lgctl stop two
is "$rc" 0 'two is asked to, and does' || diag "$err"
wait_for 'two to go' gone two
run lgctl destroy three
is "$rc" 0 'three is destroyed' || diag "$err"
run lgctl destroy four
is "$rc" 0 'and so is four' || diag "$err"
wait_for 'four to go' gone four
is "$(lgctl list --names)" '' 'none is left'
is "$(traces)" "$traces_before" 'and nothing of them, but their disks'

back() {
	[ $((before - $(available))) -lt 65536 ]
}

wait_s=60
wait_for 'memory' back
ok $? 'their memory is the host'"'s again" || diag "$(cat /proc/meminfo)"
diag "KiB available: $before before, $during with four guests, $(available) now"

mkdir "$tmp/seen"
modprobe -a loop ext4
for name in $names; do
	mount -o loop "/out/four/$name" "$tmp/seen" &&
		(cd "$tmp/seen" && sed 's, /, ./,' var/tmp/load/sums | sha256sum -c - >/dev/null)
	ok $? "what $name has written is on its disk"
	umount "$tmp/seen"
done
done_testing
