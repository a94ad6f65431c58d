#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every command of lgctl does what it says, or says what is wrong, with a status.
#
# stdout has answers and nothing else, so each check looks at all three: what was
# answered, what was complained, how it ended.

. t/lib/tap.sh
. t/lib/lgctl.sh

# said STATUS OUT ERR NAME - how the last lgctl ended; $tmp is written as @
said() {
	is "$rc|$(echo "$out" | sed "s,$tmp,@,g")|$(echo "$err" |
		sed "s,$tmp,@,g")" "$1|$2|$3" "$4"
}

lguestd_start
button='power 40;print hello;wait;poweroff'
guest web "$button"
guest hard 'power 40;print hard'
guest none 'print none'

# ---- create

lgctl create "$tmp/web.yaml" "$tmp/hard.yaml" "$tmp/none.yaml"
said 0 '' '' 'create is silent when all is well'
lgctl create "$tmp/web.yaml"
said 4 '' "lgctl: vm 'web': exists" 'a name can be had once'
lgctl create --json --no-wait "$tmp/web.yaml"
is "$rc$out" 4 'errors are no JSON'

guest bad 'fail it is a poem and no kernel'
lgctl create "$tmp/bad.yaml"
said 1 '' "lgctl: vm 'bad': it is a poem and no kernel" \
	'a kernel that is none is named with its guest and what it is'
guest bad 'x' 'initrd: /nonexistent'
lgctl create "$tmp/bad.yaml"
said 1 '' \
	"lgctl: vm 'bad': initrd '/nonexistent': No such file or directory" \
	'so is a file that is not there'
rm "$tmp/bad.kernel" && mkdir "$tmp/bad.kernel"
lgctl create "$tmp/bad.yaml"
said 1 '' "lgctl: vm 'bad': kernel '@/bad.kernel': is a directory, not a file" \
	'so is a directory'
rmdir "$tmp/bad.kernel" && mkfifo "$tmp/bad.kernel"
lgctl create "$tmp/bad.yaml"
said 1 '' "lgctl: vm 'bad': kernel '@/bad.kernel': is a fifo, not a file" \
	'so is a fifo, which nobody waits for'
lgctl create "$tmp/missing.yaml"
is "$rc" 6 'a guest file that is not there is no guest'
like "$err" 'missing.yaml.*No such file' 'and is named'
echo 'kernle: x' >"$tmp/typo.yaml"
lgctl create "$tmp/typo.yaml"
is "$rc$out" 6 'a file with a typing error is no guest'
like "$err" '^ *\| \^~' 'and a caret is under it'
lgctl create --dry-run "$tmp/web.yaml"
is "$rc$err" 0 'a dry run needs no lguestd to say yes'
like "$out" '"memory": "64M"' 'and shows what was not written, too'
lgctl list --names
said 0 'hard
none
web' '' 'nothing is left of those that failed'

# ---- list, info

lgctl list
like "$out" '^NAME  STATE    CPUS  MEMORY  SINCE  WHY$' 'list has a head'
like "$out" '^web   running  1     64 MiB  [0-9]+ s$' 'and rows below it'
lgctl --json list
is "$(echo "$out" | grep -c '^{"name":.*}$')" 3 'or an object for each guest'
lgctl info web
like "$out" '^memory +64 MiB$' 'info says all there is to say'
lgctl info --json web
is "$(echo "$out" | perl -MJSON::PP -0ne 'print decode_json($_)->{state}')" \
	running 'or one object'
lgctl info nobody
said 3 '' "lgctl: vm 'nobody': no such guest" 'nobody is a status of its own'

# ---- pause, resume, reset

lgctl pause web none
said 0 '' '' 'two can be paused at once'
lgctl pause web
is "$rc" 4 'once'
like "$err" "^lgctl: vm 'web': .*paused" 'and the second time it is said why'
lgctl resume --json none web
said 0 '{"name":"none"}
{"name":"web"}' '' 'they are resumed in the order of their names here'
lgctl resume nobody web
is "$rc" 3 'the first thing that fails is the status'
lgctl reset web
said 0 '' '' 'reset starts it anew'
await '"restarts":1' build/asan/lgctl info --json web
ok 0 'and it has been counted'

# ---- wait

lgctl wait web --for running
said 0 '' '' 'what is so already is not waited for'
lgctl wait web --for heaven
said 6 '' "lgctl: vm 'web': state: a guest is never 'heaven'" \
	'what cannot be is refused'
lgctl wait none -t 0
said 8 '' "lgctl: vm 'none': waited 0 s in vain" 'waiting has a limit'
guest doomed 'crash the sky has fallen'
lgctl create "$tmp/doomed.yaml"
lgctl wait doomed
is "$rc$out" 9 'a crash is a status of its own'
like "$err" "^lgctl: vm 'doomed': .*the sky has fallen" 'with its reason'

# ---- stop, destroy

await '"power_button":true' build/asan/lgctl info --json web
await '"power_button":true' build/asan/lgctl info --json hard
lgctl stop --json web
said 0 '{"name":"web","state":"gone","why":"powered off","crashed":false}' '' \
	'stop returns when it has stopped'
lgctl stop --timeout 0 hard
said 8 '' "lgctl: vm 'hard': it has not turned itself off
lgctl: vm 'hard': to end it all the same: lgctl stop --force hard" \
	'who does not heed its button is left alone, and what helps is said'
lgctl stop -q none
is "$rc" 4 'one without a button cannot be stopped'
like "$err" "power button" 'and that is the reason'
lgctl stop --force -t 0 hard
said 0 '' '' 'but --force ends it'
lgctl create "$tmp/hard.yaml" "$tmp/web.yaml"
await '"power_button":true' build/asan/lgctl info --json web
lgctl stop --all --force -t 1
said 0 '' '' '--all is all of them'
lgctl list --names
is "$out" doomed 'but for one that had ended'
lgctl stop
is "$rc" 2 'stop needs to be told whom'
lgctl stop --all web
is "$rc" 2 'and only once'
lgctl destroy doomed nobody
said 3 '' "lgctl: vm 'nobody': no such guest" 'destroy takes what has crashed'
lgctl list
said 0 '' '' 'a list of nobody is empty'

# ---- check

guest good 'x'
lgctl check "$tmp/good.yaml"
said 0 '' '' 'check is silent about what is good'
lgctl check --verbose "$tmp/good.yaml" "$tmp/typo.yaml"
is "$rc|$(echo "$out" | sed "s,$tmp,@,")" '6|@/good.yaml: ok' \
	'or names it, and fails for what is not'
lgctl check --json "$tmp/good.yaml" "$tmp/typo.yaml"
is "$(printf '%s' "$out" | sed "s,$tmp,@,g; s/\(1:1: kernle: \).*/\1.../")" \
	'{"file":"@/good.yaml","ok":true,"name":"good"}
{"file":"@/typo.yaml","ok":false,"complaints":"@/typo.yaml: kernel: is missing (the ELF file that is started)\n@/typo.yaml:1:1: kernle: ...' \
	'or says both in JSON, with what is wrong'

# ---- what a terminal is shown

# Control codes were made dots, but what turns a line around was let through.
odd=$(printf '%s/\303\244\342\200\256b\033c\377' "$tmp")
shown='@/ä<U+202E>b<U+001B>c<FF>'
cp "$tmp/good.yaml" "$odd"
lgctl check -v "$odd"
is "$rc|$(echo "$out" | sed "s,$tmp,@,")" "0|$shown: ok" \
	'the name of a file does nothing to a terminal'
printf 'name: odd\nkernel: "%s/\\u00e4\\u202eb"\n' "$tmp" >"$tmp/odd.yaml"
lgctl create "$tmp/odd.yaml"
is "$rc|$(echo "$err" | sed "s,$tmp,@,")" \
	"1|lgctl: vm 'odd': kernel '@/ä<U+202E>b': No such file or directory" \
	'nor does one in an error'

# ---- without anybody to talk to

lguestd_stop
ok $? 'lguestd was well to its end'
for command in 'list' 'info web' 'stop web' 'destroy web' 'wait web' \
	'console web' 'logs web' "create $tmp/good.yaml" \
	"run --foreground $tmp/good.yaml"; do
	# shellcheck disable=SC2086 # these are words
	lgctl $command
	said 10 '' "lgctl: lguestd: cannot connect to '@/sock': No such file or \
directory: is it running? (try: systemctl start lguestd)" \
		"no lguestd is a status of its own: ${command%% *}"
done
lgctl --socket "$(printf '%0120d' 0)" list
is "$rc" 10 'a path too long for a socket has no lguestd either'

done_testing
