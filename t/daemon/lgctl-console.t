#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A console shows what was printed, takes what is typed, and gives the terminal back.
#
# script(1) is the person's terminal: what it writes is what would be seen, and
# what comes through the fifo is typed.

. t/lib/tap.sh
. t/lib/lgctl.sh

lguestd_start
guest web 'input 41;power 40;print hello;echo;poweroff'
lgctl create "$tmp/web.yaml"
await hello build/asan/lgctl logs web

# ---- without a terminal

lgctl logs web
is "$rc|$out|$err" '0|hello|' 'logs shows what was printed, and ends'
echo typed | timeout 60 build/asan/lgctl console web >"$tmp/seen" 2>"$tmp/errors" &
console=$!
await typed cat "$tmp/seen"
ok 0 'a file is typed, and its end is not the end'
lgctl console web
is "$rc" 4 'there is one who types'
like "$err" 'web.*somebody else writes' 'and whoever comes second is told so'
like "$err" -- '--watch shows it' 'and what to do'
timeout 60 build/asan/lgctl console --watch web >"$tmp/watched" 2>&1 &
watch=$!
await typed cat "$tmp/watched"
ok 0 'many can watch'
kill -TERM $watch
wait $watch
is $? 143 'a signal ends it as it ends others'
kill -INT $console
wait $console
ok 0 'and the one who typed'

# ---- at a terminal

# at_terminal NAME COMMAND... - in the background, typed by fd 3, seen in $tmp/NAME
at_terminal() {
	seen=$tmp/$1
	shift
	rm -f "$tmp/keys" && mkfifo "$tmp/keys"
	: >"$seen"
	timeout 100 script -qec "tty >$tmp/tty.name; stty -a >$tmp/tty.before; $*; echo ended \$?
		stty -a >$tmp/tty.after" /dev/null <"$tmp/keys" >"$seen" 2>&1 &
	terminal=$!
	exec 3>"$tmp/keys"
}

leave_terminal() {
	exec 3>&-
	wait "$terminal"
	cmp "$tmp/tty.before" "$tmp/tty.after"
}

at_terminal one build/asan/lgctl console web
await 'the escape is ^\], and ^\] . leaves' cat "$tmp/one"
ok 0 'the escape is named'
# size - of hvc0, as its driver would see it
size() {
	build/asan/lgctl info --json web |
		tr -d ' \n' | sed 's/.*"columns":\([0-9]*\),"rows":\([0-9]*\).*/\1x\2/'
}

# script(1) has made a terminal; its shell tells us which.
tty=$(cat "$tmp/tty.name")
before=$(stty -F "$tty" size)
stty -F "$tty" cols 101 rows 37
await 101x37 size
ok 0 'hvc0 is as large as the terminal is made'
stty -F "$tty" rows "${before% *}" cols "${before#* }"
printf 'abc\003\032' >&3
await 'abc' cat "$tmp/one"
ok 0 'what is typed arrives'
lgctl info web
is "$rc" 0 'and an interrupt is a key like any other'
printf '\035' >&3
await 'again sends it' cat "$tmp/one"
ok 0 'the escape explains itself'
printf 'x\035\035def' >&3
await 'def' cat "$tmp/one"
ok 0 'any other key goes on, and twice it is sent'
printf '\035.' >&3
await 'ended 0' cat "$tmp/one"
ok 0 'and a dot leaves'
leave_terminal
ok $? 'the terminal is as it was before'

at_terminal two build/asan/lgctl console -e ^B web
await 'the escape is ^B' cat "$tmp/two"
pid=$(pgrep -f "lgctl console -e .B web" | tail -n 1)
kill -TERM "$pid"
await 'ended 143' cat "$tmp/two"
leave_terminal
ok $? 'even after a signal'

# Who had heard SIGCONT took the terminal as it was then, raw, for what it was
# before, and left it so.
at_terminal cont build/asan/lgctl console -e ^D web
await 'the escape is ^D' cat "$tmp/cont"
pid=$(pgrep -f "lgctl console -e .D web" | tail -n 1)
kill -CONT "$pid"
printf 'ghi' >&3
await 'ghi' cat "$tmp/cont"
kill -TERM "$pid"
await 'ended 143' cat "$tmp/cont"
leave_terminal
ok $? 'even if it was told to continue before'

at_terminal three build/asan/lgctl console --escape none web
await 'there is no escape' cat "$tmp/three"
lgctl stop web
await 'ended 0' cat "$tmp/three"
like "$(cat "$tmp/three")" "vm 'web': has gone" \
	'when the guest goes it is said, and the console ends'
leave_terminal
ok $? 'and the terminal is as it was'

# ---- guests that have ended, or stand still

guest doomed 'print last words;crash the sky'
lgctl create "$tmp/doomed.yaml"
lgctl wait doomed
lgctl logs doomed
like "$out" 'last words' 'a guest that has crashed still has its last words'
timeout 60 build/asan/lgctl console doomed </dev/null >"$tmp/dead" 2>&1 &
console=$!
await 'it is crashed: ' cat "$tmp/dead"
ok 0 'its console says why nothing moves'
kill $console
lgctl console nobody
is "$rc|$err" "3|lgctl: vm 'nobody': no such guest" 'nobody has no console'

lguestd_stop
ok $? 'lguestd was well to its end'
done_testing
