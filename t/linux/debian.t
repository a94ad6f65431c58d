#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian is a guest: config/guests/debian.yaml on a disk of lguest-debian's.
#
# It comes to its login prompt, and lets in who may come in: root on the console,
# and by ssh who has the key.  It fetches lists of packages from a server behind
# NAT, starts anew and turns itself off from within.  A disk is written meanwhile.
#
# One guest, two boots, of some minutes altogether: for `make check-linux`.

[ -n "${LG_ALL:-}${LG_INSIDE:-}" ] || {
	echo '1..0 # SKIP it takes minutes; LG_ALL=1, or make check-linux'
	exit
}
. t/lib/tap.sh
. t/lib/rig.sh
. t/linux/debian.sh
[ -n "${LG_INSIDE:-}" ] || debian_need debian
. t/system/inside.sh
. t/lib/lguestd.sh
. t/linux/talk.sh
inside -t 1500
lguestd_install
ln -s /out/debian /var/lib/lguest/debian
echo 1 >/proc/sys/net/ipv4/ip_forward
systemctl start lguestd

lguestd_world
debian_keys debian
mkdir -p "$tmp/web"
: >"$tmp/web/Packages"
ip netns exec world busybox httpd -p "$world:80" -h "$tmp/web"

# log_in - at the prompt that is there, to a shell that neither echoes nor edits
log_in() {
	talk_type root
	talk_until 'root@debian' 120 && talk_type 'exec env PS1= sh' &&
		talk 'stty -echo'
}

talk_limit=180
run lgctl create config/guests/debian.yaml
is "$rc" 0 'it is created' || diag "$err"
talk_open debian
talk_until 'debian login: *$' 400 || bail_out 'no login prompt'
ok 0 'it comes to its login prompt'
log_in
ok $? 'root is let in, on the console'
talk 'systemctl is-system-running --wait; systemctl list-units --failed --plain --no-legend'
is "$out" running 'all of its units are well'
talk 'cat /sys/class/tty/console/active; lsmod'
like "$out" '^hvc0' 'its console is hvc0'
like "$out" '^virtio_lguest ' 'and udev has loaded our module'

# ---- the network ----
talk 'ip -4 -o address show dev eth0; cat /etc/resolv.conf'
like "$out" 'inet 10\.186\.' 'it has an address by DHCP'
address=$(echo "$out" | sed -n 's/.* inet \([0-9.]*\).*/\1/p')
# shellcheck disable=SC2016 # it is for the shell there
run debian "$address" 'echo "here is $(hostname)"; touch /var/tmp/was-here'
is "$rc $out" '0 here is debian' 'ssh lets in who has the key' || diag "$err"
run debian_ssh -o PubkeyAuthentication=no "root@$address" true
like "$rc $err" '^255 .*Permission denied' 'and nobody without'
talk "echo 'deb [trusted=yes] http://$world/ ./' >/etc/apt/sources.list; apt-get update"
like "$rc $out" "^0 .*http://$world" 'apt gets its lists through NAT' ||
	diag "$out"

# ---- again, and off ----
talk 'cat /proc/sys/kernel/random/boot_id'
before=$out
talk_forget
talk_type reboot
talk_until 'debian login: *$' 400
ok $? 'reboot: it comes back'
log_in
talk 'cat /proc/sys/kernel/random/boot_id'
[ -n "$out" ] && [ "$out" != "$before" ]
ok $? 'as another boot'
talk 'ls /var/tmp/was-here && journalctl -b -1 -n 1 --no-pager -q -o cat'
is "$rc" 0 'with all that was on its disk'
talk_type poweroff
talk_until 'Power down' 120
ok $? 'poweroff: it turns itself off'
wait_for 'its end' sh -c '! lgctl list --names | grep -q debian'
is "$(lgctl list --names)" '' 'and is no more'
done_testing
