#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What cannot be done is refused with the reason, and nothing breaks.
#
# No module, no permission, no descriptor, no room on the disk, no memory: each
# is somebody's error message and nobody's crash.  Guests that run go on, and
# when the trouble is over the next guest starts as if nothing had been.
#
# Once: what the daemon does is the same on every CPU.

. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 900
lguestd_install

clock() {
	guest_file "$1" 'cmdline: init=clock'
}

# ---- no module ----
rmmod lg
mv "/lib/modules/$(uname -r)/updates/lg.ko" "$tmp/lg.ko" && depmod
run lgctl create "$(clock web)"
is "$rc" 1 'without the module no guest is created'
like "$err" '^lgctl: .*lguest' 'and it is said what is missing'
run lgctl list
is "$rc" 0 'but the daemon answers'
run lgctl doctor
is "$rc" 1 'the doctor sees it'
like "$out" '^fail module ' 'and says so'
insmod "$tmp/lg.ko"
run lgctl create "$(clock web)"
is "$rc" 0 'once it is loaded one is, by the same daemon' || diag "$err"

# ---- no permission ----
chmod 755 "$tmp" "$tmp/guests"
run setpriv --reuid user --regid user --clear-groups lgctl list
is "$rc" 5 'who is not in the group cannot ask' 
like "$err" 'ermission denied' 'and is told so'
run setpriv --reuid user --regid user --clear-groups lgctl doctor
like "$out" 'adduser' 'the doctor says how to be in it'
cp "$(clock mine)" /tmp/mine.yaml
run setpriv --reuid user --regid user --groups lguest lgctl create \
	/tmp/mine.yaml
is "$rc" 0 'who is in it may' || diag "$err"
cp /usr/lib/lguest/guestos.elf /var/tmp/secret.elf
chmod 600 /var/tmp/secret.elf
sed 's,kernel:.*,kernel: /var/tmp/secret.elf,; s,mine,theirs,' /tmp/mine.yaml \
	>/tmp/theirs.yaml
run setpriv --reuid user --regid user --groups lguest lgctl create \
	/tmp/theirs.yaml
[ "$rc" -ne 0 ]
ok $? 'but no file becomes readable by asking a daemon that is root'
like "$err" 'ermission denied' 'it is he who opens it'

# ---- no descriptors ----
# So many that it goes on, and a guest or two.  With fewer than it has it could
# let nobody in to be refused, nor tell systemd that it lives.
pid=$(lguestd_pid)
some=$(($(find "/proc/$pid/fd" | wc -l) + 24))
prlimit --pid "$pid" --nofile="$some:$some"
failed=0
for n in 1 2 3 4 5 6 7 8; do
	lgctl create "$(clock "many$n")" 2>"$tmp/err" || failed=$((failed + 1))
done
[ "$failed" -gt 0 ]
ok $? 'when descriptors run out guests are refused'
like "$(cat "$tmp/err")" '^lgctl: .*(open files|descriptors)' 'for that reason'
is "$(guest_state web)" running 'the others run'
prlimit --pid "$(lguestd_pid)" --nofile=65536:65536
run lgctl create "$(clock after)"
is "$rc" 0 'with more of them the next one starts' || diag "$err"
for name in $(lgctl list --names); do
	[ "$name" = web ] || lgctl destroy "$name"
done

# ---- no room for logs ----
mount -t tmpfs -o size=4k none /var/log/lguest
systemctl restart lguestd
run lgctl create "$(guest_file loud)"
is "$rc" 0 'a guest starts when its log cannot be written' || diag "$err"
run journalctl -b -u lguestd -o cat
is "$(guest_state web)" running 'and the first still runs'
systemctl stop lguestd.service 2>"$tmp/err"
is "$(systemctl show -p Result --value lguestd)" success \
	'and it all stops without violence'
done_testing
