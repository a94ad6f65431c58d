#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A daemon and a module one release apart work together, or say why not.
#
# The module (a fake one) is first of the next release and still serves us, then
# of one that does not, then of the release before.  No guest may be started on
# words that mean something else; who asks is told which of the two to replace,
# and lguestd itself goes on and takes the module that fits when it comes.

. t/lib/tap.sh
. t/lib/lgctl.sh

export FAKE_ABI="$tmp/abi"
abi=$(sed -n 's/^#define LG_ABI_VERSION \([0-9]*\).*/\1/p' \
	hypervisor/include/lguest/ioctl.h)
next=$((abi + 1)) last=$((abi - 1))

# doctor - what it says of the daemon
doctor() {
	run build/asan/lgctl doctor
	said=$(printf '%s\n' "$out" | sed -n '/^[a-z]* *daemon /p')
}

# refuses MIN MAX WHAT HELP - such a module, and what is said of it
refuses() {
	echo "$1 $2" >"$FAKE_ABI"
	lguestd_start
	like "$(cat "$tmp/log")" "no guest can start: lg.ko: $3" \
		"a module of $1 to $2: the log says what is wrong"
	lgctl create "$tmp/web.yaml"
	is "$rc|$err" "1|lgctl: vm 'web': lg.ko: $3 (try: $4)" \
		'so is who wants a guest told'
	doctor
	like "$said" "^fail daemon   lguestd can start no guest: lg.ko: $3 -> $4\$" \
		'and who asks the doctor'
	run build/asan/lgctl list
	is "$rc$out" 0 'nothing half-made is left'
	echo "$abi $abi" >"$FAKE_ABI"
	doctor
	like "$said" '^ok   daemon ' 'when one comes that fits the doctor is content'
	lgctl create "$tmp/web.yaml"
	is "$rc$err" 0 'and the same daemon starts guests'
	lguestd_stop
	ok $? 'lguestd was well to its end'
}

guest web 'print hello;wait'
echo "$abi $next" >"$FAKE_ABI"
lguestd_start
lgctl create "$tmp/web.yaml"
is "$rc$err" 0 'a module of the next release, which still speaks ours, will do'
await hello build/asan/lgctl logs web
doctor
like "$said" '^ok   daemon ' 'and the doctor is content'
lguestd_stop
ok $? 'lguestd was well to its end'

refuses "$next" "$next" \
	"newer than lguestd: it speaks ABI $next to $next, lguestd $abi" \
	'upgrade lguest'
refuses "$last" "$last" \
	"older than lguestd: it speaks ABI $last to $last, lguestd $abi" \
	'stop guests, rmmod lg, modprobe lg'

echo "$abi $abi 0" >"$FAKE_ABI"
lguestd_start
lgctl create "$tmp/web.yaml"
is "$rc" 1 'one that lacks what guests need will not do'
like "$err" 'lg.ko: lacks what a guest needs: it has features 0 of 0x' \
	'and it is said what that is'
lguestd_stop
ok $? 'lguestd was well to its end'
done_testing
