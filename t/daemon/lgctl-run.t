#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `lgctl run --foreground` is a guest as a program: its output, its end, its status.

. t/lib/tap.sh
. t/lib/lgctl.sh

lguestd_start

# It ends at once and is destroyed: its words and its end are heard all the same.
guest web 'print hello;poweroff'
lgctl run --foreground "$tmp/web.yaml"
is "$rc" 0 'a guest that turns itself off is a success'
like "$out" '^hello' 'its console is our output'
is "$err" "lgctl: vm 'web': powered off" 'and its end is told'
lgctl -q --json run --foreground "$tmp/web.yaml"
is "$err" '' 'unless that is not wanted'
like "$out" '"state":"gone".*"crashed":false' 'or wanted as JSON'

guest doomed 'print oh;crash the sky'
lgctl run --foreground "$tmp/doomed.yaml"
is "$rc" 9 'a guest that crashes is a failure of its own'
like "$err" "^lgctl: vm 'doomed': .*the sky$" 'with its reason'
like "$out" '^oh' 'and its last words'
lgctl destroy doomed

guest poem 'fail a poem'
lgctl run --foreground "$tmp/poem.yaml"
is "$rc" 1 'one that never ran has failed'
like "$err" "^lgctl: vm 'poem': .*a poem$" 'and it is said why'

# in_background FILE - until it runs and has a power button
in_background() {
	rm -f "$tmp/seen"
	timeout 100 build/asan/lgctl run --foreground "$1" </dev/null \
		>"$tmp/seen" 2>"$tmp/errors" &
	program=$!
	await ready cat "$tmp/seen"
	pid=$(pgrep -P "$program" lgctl)
}

for signal in TERM INT; do
	guest web 'power 40;print ready;wait;print bye;poweroff'
	in_background "$tmp/web.yaml"
	kill -$signal "$pid"
	wait $program
	is $? 0 "SIG$signal turns it off"
	like "$(cat "$tmp/seen")" '^bye' 'it has time for its last words'
done

# One that came before the guest ran ended lgctl, and left the guest paused.
left=
for turn in 0 1 2 3 4 5 6 7 8 9; do
	timeout 100 build/asan/lgctl run --foreground "$tmp/web.yaml" </dev/null \
		>"$tmp/seen" 2>&1 &
	program=$!
	sleep "0.0$turn"
	while pkill -INT -P $program lgctl; do sleep 0.2; done
	wait $program
	lgctl list --names
	left=$left$out
done
is "$left" '' 'whenever it comes, no guest is left behind'

guest hard 'power 40;print ready'
in_background "$tmp/hard.yaml"
kill -TERM "$pid"
await 'again destroys it' cat "$tmp/errors"
kill -TERM "$pid"
wait $program
is $? 0 'the second signal destroys it'
lgctl list
is "$out" '' 'and nothing is left'

lguestd_stop
ok $? 'lguestd was well to its end'
done_testing
