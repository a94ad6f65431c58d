#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `make run`, README's first command, shows a guest's console until that ends.
#
# It is for people who have nothing yet and may be a script with nobody before
# it: it says what it does, shows the guest's console, ends when the guest does,
# and says how by its status.
#
# Once: what it starts has been seen on every CPU.

. t/lib/tap.sh
. t/lib/rig.sh

rig_need
tap_tmp
unset MAKEFLAGS MAKELEVEL MFLAGS
plan 18

run make run GUEST=hello
is "$rc" 0 'it succeeds' || diag "$(printf '%s\n' "$err" | tail -n 40)"
like "$out" '1 of 3: Debian packages' 'it says what it begins with'
like "$err" '^==> starting a virtual machine' 'and what takes long'
like "$err" '^\+ systemctl start lguestd$' 'each command is shown'
like "$err" '^\+ lgctl run --foreground config/guests/hello\.yaml$' 'the guest is hello'
like "$out" 'hello' 'the guest has said so'
like "$out" '^network: [0-9.]*, router [0-9.]* answers' 'and used what it has'
like "$err" "the guest has ended, lgctl's exit status is 0" 'and has ended'

cat >build/rig/out/crash.yaml <<-END
	name: crash
	kernel: /usr/lib/lguest/guestos.elf
	cmdline: init=crash
	on_crash: destroy
END
run make run GUEST=build/rig/out/crash.yaml
is "$rc" 2 'a guest that crashes is a failure, which make calls 2' ||
	diag "$(printf '%s\n' "$out" "$err" | tail -n 40)"
like "$err" "the guest has ended, lgctl's exit status is 9" 'its own is said'
like "$err" '^make: .*run\] Error 9$' 'and is what t/run.sh ends with'
run t/run.sh rig no/such.yaml
is "$rc $err" '1 run: GUEST=no/such.yaml: no such file' \
	'a guest that is not there costs no machine'

# HERE=1, on a machine that may be spoilt and has nothing installed.
rig_run -f -- sh t/run.sh here hello
is "$rc" 0 'without the rig it runs as well' || diag "$err"
like "$out" '^devices: hello' 'with the same guest'
like "$err" '^\+ insmod build/lg.ko$|^==> starting lguestd' 'in few steps'

# Without a word more it is Debian, which nobody is here to log in to.
if [ -n "${LG_ALL:-}" ]; then
	run make run </dev/null
	is "$rc" 0 'Debian succeeds' || diag "$(printf '%s\n' "$err" | tail -n 40)"
	like "$out" 'debian login: ' 'it has asked who we are'
	like "$err" 'nobody is here: its power button' 'and was turned off'
else
	skip 3 'Debian takes minutes; LG_ALL=1, or make check-linux'
fi
