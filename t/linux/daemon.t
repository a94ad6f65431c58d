#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lguestd's power button: Linux turns itself off, in order, when it is asked to.

. t/linux/linux.sh
[ -n "${LG_INSIDE:-}" ] || linux_need
. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 580
lguestd_install

cat >"$tmp/linux.yaml" <<EOT
name: linux
kernel: $PWD/$linux_kernel
initrd: $PWD/$linux_out/initrd
cmdline: quiet checks=none end=button
memory: 256M
cpus: 2
on_poweroff: preserve
stop_timeout: 300s
EOT

# waits - the guest's first process has come to its end
waits() {
	lgctl logs linux 2>/dev/null | grep -q 'waiting for the button'
}

plan 4
run lgctl create "$tmp/linux.yaml"
is "$rc" 0 'lguest-run loads it' || diag "$err"
wait_for 'the guest' waits || wait_for 'the guest' waits ||
	wait_for 'the guest' waits
ok $? 'it boots, and what it says can be read' || diag "$(lgctl logs linux)"
run lgctl stop linux
is "$rc" 0 'lgctl stop' || diag "$err"
like "$(lgctl logs linux | tr -d '\r')" 'reboot: Power down$' \
	'and it has turned itself off, nobody else'
