#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Linux' own drivers find the devices of a guest, by an ordinary module.
#
# A guest of Debian's kernel with two CPUs, busybox and modules.  Its disk is the
# file of this host, its network ends here, its random bytes come from here, and
# RAM goes back.  Daemons are killed meanwhile, a CPU goes away and comes back, and
# at last the module is unloaded and everything begins once more; that much for
# `make check-linux`, or LG_ALL=1.

. t/linux/linux.sh
[ -n "${LG_INSIDE:-}" ] || {
	linux_need
	linux_virtio
	# The rig has nothing that makes a file system.
	rm -rf "$linux_kernel.files" "$linux_kernel.disk"
	mkdir "$linux_kernel.files"
	head -c 3000000 /dev/urandom >"$linux_kernel.files/first"
	/sbin/mke2fs -q -t ext4 -d "$linux_kernel.files" "$linux_kernel.disk" 64M ||
		bail_out 'no file system'
}
. t/system/inside.sh
. t/lib/lguestd.sh
. t/linux/talk.sh
inside -t 580
lguestd_install
echo 1 >/proc/sys/net/ipv4/ip_forward
systemctl start lguestd

lguestd_world

cp "$linux_kernel.disk" "$tmp/disk.img"
cat >"$tmp/dev.yaml" <<EOT
name: dev
kernel: $PWD/$linux_kernel
initrd: $PWD/$linux_kernel.virtio
cmdline: quiet
memory: 256M
cpus: 2
on_poweroff: preserve
disks:
- file: $tmp/disk.img
network: local
EOT

# device NAME[.VALUE] - what the host says of it
device() {
	lgctl info dev | sed -n "s/^device\.$1  *//p"
}

# does COMMAND NAME - the guest does, and it succeeds
does() {
	talk "$1"
	ok $? "$2" || diag "$rc: $out"
}

# has PATTERN COMMAND NAME - what the guest prints when it does
has() {
	talk "$2"
	like "$out" "$1" "$3"
}

# What runs in the background is no child of the shell's: when one ends while the
# shell waits for a line, busybox takes that for the end of its input.
others_serve() {
	# shellcheck disable=SC2016
	does '( (sync; n=0; while [ $n -lt 16 ]; do head -c 2000000 /dev/urandom >/tmp/disk/a$n && sha256sum /tmp/disk/a$n >>/tmp/sums || echo failed; sync; echo 3 >/proc/sys/vm/drop_caches; n=$((n + 1)); done; echo load: done) >/tmp/load 2>&1 & )' \
		'it writes to its disk'
	systemctl restart lguestd
	lguestd_kill KILL
	ok $? 'while the daemon is restarted and killed'
	talk_close
	talk_open dev
	does 'until grep -q done /tmp/load; do sleep 1; done; ! grep -v done /tmp/load || { df /tmp/disk; dmesg | tail -n 20; false; }' \
		'nothing failed'
	does 'sha256sum -c /tmp/sums >/tmp/checked' 'and nothing is lost'
}

# More than any queue on the way has room for, each way and through NAT as well.
# Who only reads has a pipe to read from that never ends, or nc would hang up.
much_arrives() {
	head -c 16000000 /dev/urandom >"$tmp/much"
	sum=$(sha256sum <"$tmp/much")
	much_start=$(date +%s)
	mkfifo "$tmp/open"
	talk 'mkfifo /tmp/open; ( (nc -l -p 5001 0<>/tmp/open >/tmp/much; >/tmp/end) & ); sleep 1'
	busybox nc "$1" 5001 <"$tmp/much"
	has "^$sum\$" 'until [ -e /tmp/end ]; do sleep 1; done; sha256sum </tmp/much' \
		'16 MB of this host arrive in the guest as they were'
	ip netns exec world busybox nc -l -p 5002 0<>"$tmp/open" |
		sha256sum >"$tmp/came" &
	sleep 1
	does 'nc 192.0.2.2 5002 </tmp/much' 'the guest sends them out into the world'
	wait_for 'their sum' test -s "$tmp/came"
	is "$(cat "$tmp/came")" "$sum" 'where they arrive'
	ip netns exec world busybox nc -l -p 5003 <"$tmp/much" &
	sleep 1
	has "^$sum\$" 'nc 192.0.2.2 5003 0<>/tmp/open | sha256sum' \
		'and they come back from there'
	diag "48 MB and their sums: $(($(date +%s) - much_start)) s"
}

cpu_goes_and_comes() {
	does 'echo 0 >/sys/devices/system/cpu/cpu1/online' 'a CPU goes away'
	does "sha256sum -c /tmp/sums && ping -c 3 $world" 'devices go on'
	does 'echo 1 >/sys/devices/system/cpu/cpu1/online' 'it comes back'
	does "echo 3 >/proc/sys/vm/drop_caches; sha256sum -c /tmp/sums && ping -c 3 $world" \
		'and they do'
}

module_goes_and_comes() {
	does 'umount /tmp/disk; rmmod virtio_lguest' 'the module is unloaded under the drivers'
	is "$(device disk0) $(device net0) $(device console)" 'idle idle idle' \
		'which let go of the devices'
	has '^0$' 'ls /sys/bus/virtio/devices | wc -l' 'nothing is left of them'
	has '^0$' 'grep -c "lguest.*virtio" /proc/interrupts' 'nor of their interrupts'
	does 'modprobe virtio_lguest vectors=1 && mount -t ext4 /dev/vda /tmp/disk' \
		'it is loaded again, with nearly no vectors'
	does 'sha256sum -c /tmp/sums' 'everything is there'
	does "ifconfig eth0 up; udhcpc -n -q -f -i eth0 -s /bin/learnt -T 2 -t 20; ping -c 3 $world" \
		'also by a vector that queues share'
	has '^1$' 'grep -c "lguest *98 *virtio2" /proc/interrupts' 'as they do'
}

drivers='virtio_blk virtio_net virtio_console virtio-rng virtio_balloon'

run lgctl create "$tmp/dev.yaml"
is "$rc" 0 'a guest with all devices is created' || diag "$err"
talk_open dev
talk_until 'init: here is a shell' 200 || bail_out 'it does not boot'

# ---- they are found ----
has 'platform:virtio-lguest' 'cat /sys/bus/platform/devices/virtio-lguest/modalias' \
	'the port tells of a bus, by the name that udev looks for'
does "modprobe virtio_lguest; for i in $drivers; do modprobe \$i || exit; done" \
	'the module is loaded, and the drivers are stock ones'
for name in console disk0 net0 rng balloon; do
	is "$(device $name)" running "$name runs"
done
has '^11111$' 'cut -c 35 /sys/bus/virtio/devices/*/features | tr -d "\n"' \
	'they and their drivers agreed on packed rings'

# ---- the disk ----
does 'modprobe ext4; mount -t ext4 /dev/vda /tmp/disk' 'the disk is mounted'
has "$(sha256sum <"$linux_kernel.files/first" | cut -d' ' -f1)" \
	'sha256sum /tmp/disk/first' 'and has what the host has written'
has '^disk0$' 'cat /sys/block/vda/serial' 'it has its serial number'
talk 'head -c 2000000 /dev/urandom >/tmp/disk/written; sync; sha256sum </tmp/disk/written'
written=$out

# ---- the network ----
does 'ifconfig eth0 up; udhcpc -n -q -f -i eth0 -s /bin/learnt -T 2 -t 20' \
	'DHCP gives an address'
# shellcheck disable=SC2016 # it is for the guest's shell
does 'ping -c 3 $(cat /tmp/router)' 'this host answers'
does "ping -c 3 $world" 'and so does the world, through NAT'
talk 'cat /tmp/address'
address=$out
busybox ping -c 3 "$address" >"$tmp/ping" 2>&1
ok $? 'this host pings the guest' || diag "$(cat "$tmp/ping")"

# ---- random numbers, memory ----
has '^virtio_rng' 'cat /sys/class/misc/hw_random/rng_current' \
	'there is a random generator'
has '^1000$' 'head -c 1000 /dev/hwrng | wc -c' 'which gives bytes'
lgctl balloon dev 192M
wait_for 'the balloon' sh -c \
	'lgctl info dev | grep -q "balloon.actual_bytes  *67108864"'
ok $? 'the balloon takes 64 MiB from it'
lgctl balloon dev 256M

# ---- the other console ----
does 'echo from hvc1 >/dev/hvc1' 'a virtio console is hvc1'
talk_until '^from hvc1' 20
ok $? 'and prints'

# ---- what is refused ----
has 'Operation not permitted' 'echo mem >/sys/power/state' 'sleep is refused'

[ -z "${LG_ALL:-}" ] || {
	much_arrives "$address"
	others_serve
	cpu_goes_and_comes
	module_goes_and_comes
}
has '^0$' 'dmesg | grep -c "WARNING\|BUG:\|Call Trace"' \
	'its kernel has seen nothing wrong'

# ---- the end ----
talk_type 'umount /tmp/disk; poweroff -f'
talk_until 'Power down' 60
ok $? 'it turns itself off'
mkdir "$tmp/seen"
modprobe -a loop ext4
mount -o loop,ro "$tmp/disk.img" "$tmp/seen"
is "$(sha256sum <"$tmp/seen/written")" "$written" \
	'and this host reads what it has written'
umount "$tmp/seen"
done_testing
