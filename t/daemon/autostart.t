#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lguestd starts what is in guests.d, if nobody but root can have put it there.
#
# It opens those files, and those that they name, with all its rights: whoever
# could write one could have root read a file for him.

. t/lib/tap.sh
. t/lib/lgctl.sh

mkdir -p "$tmp/guests.d"
# put FILE SCRIPT [LINE]... - a guest of guests.d
put() {
	guest "$@"
	mv "$guest_file" "$tmp/guests.d/"
	chmod 644 "$tmp/guests.d/$1.yaml"
}

put fine 'print hello'
put writable 'x' && chmod 666 "$tmp/guests.d/writable.yaml"
put missing 'x' && rm "$tmp/missing.kernel"
put folder 'x' && rm "$tmp/folder.kernel" && mkdir "$tmp/folder.kernel"
put broken 'x' 'colour: red'
put zlast 'print hello'
cp "$tmp/guests.d/fine.yaml" "$tmp/guests.d/again.yaml"
echo 'name: no' >"$tmp/guests.d/readme.txt"
mkfifo -m 644 "$tmp/guests.d/fifo.yaml"
mkdir "$tmp/guests.d/dir.yaml"
ln -s /nonexistent "$tmp/guests.d/link.yaml"
strangers=''
if [ "$(id -u)" = 0 ]; then
	put stranger 'x' && chown nobody "$tmp/guests.d/stranger.yaml"
	strangers=stranger
fi
lguestd_start

lgctl list --names
is "$out" 'fine
zlast' 'what is good is started, whatever stands beside it'
log=$(cat "$tmp/log")
like "$log" "autostart: 'writable.yaml': others can write it \(mode 0666\)" \
	'a file that others can write is not'
like "$log" "missing: autostart: kernel '.*missing.kernel': No such file" \
	'nor one without its kernel'
like "$log" "folder: autostart: kernel '.*folder.kernel': not a file" \
	'nor one whose kernel is none'
like "$log" 'autostart: .*broken.yaml:3:1: colour: no such key' \
	'nor one with a typing error'
like "$log" "autostart: 'fifo.yaml': not a file" 'nor a fifo'
like "$log" "autostart: 'dir.yaml': not a file" 'nor a folder'
like "$log" "autostart: 'link.yaml': No such file" 'nor a link to nowhere'
like "$log" 'fine: autostart: is here already' 'and nobody twice'
if [ -n "$strangers" ]; then
	like "$log" "'stranger.yaml': belongs to uid .* and not to root" \
		'a file of somebody else is not, either'
else
	skip 1 'not root'
fi
lguestd_stop
ok $? 'lguestd was well to its end'

chmod 777 "$tmp/guests.d"
lguestd_start
lgctl list
is "$out" '' 'in a folder that others can write nothing is trusted'
like "$(cat "$tmp/log")" "guests.d': others can write it \(mode 0777\)" \
	'and it is said'

# ---- the configuration, while we are at it

sed -i 's/^log_dir.*/colour: red/' "$tmp/lguestd.yaml"
kill -HUP "$lguestd_pid"
await 'not valid, the old one stays' cat "$tmp/log"
lgctl list
is "$rc" 0 'a configuration that is not valid is not taken'
sed -i 's/^colour.*/max_guests: 1/' "$tmp/lguestd.yaml"
kill -HUP "$lguestd_pid"
await 'config: read again' cat "$tmp/log"
guest one 'x' && guest two 'x'
lgctl create "$tmp/one.yaml" "$tmp/two.yaml"
is "$rc" 1 'one that is, is'
like "$err" "vm 'two': .*may be 1" 'and is in force at once'
run build/asan/lguestd -f -c "$tmp/lguestd.yaml"
is "$rc" 1 'two cannot listen at one place'
like "$err" 'another lguestd has it' 'and the second says so'
lguestd_stop
ok $? 'lguestd was well to its end, again'

# A guest that was paused lost what it had not written when the host went down.
rm -f "$tmp/guests.d/"*
lguestd_start
guest web 'power 40;print up;wait;poweroff bye'
lgctl create "$tmp/web.yaml"
await '^up' build/asan/lgctl logs web
lgctl pause web
kill "$lguestd_pid"
wait "$lguestd_pid"
is $? 0 'the end of lguestd at a terminal is the end of guests'
lguestd_pid=
like "$(cat "$tmp/log")" 'web: gone: powered off: bye' \
	'in good order, also of one that was paused'

run build/asan/lguestd --check-config -c "$tmp/lguestd.yaml"
is "$rc$out$err" 0 'a configuration can be checked'
echo 'colour: red' >"$tmp/bad.yaml"
run build/asan/lguestd --check-config -c "$tmp/bad.yaml"
is "$rc" 6 'and found not valid'
run build/asan/lguestd -c "$tmp/bad.yaml"
is "$rc" 6 'which is no way to start'
# Whoever spoilt the file and then stopped the service lost the guests: this gave
# up before it had asked systemd, and SIGTERM does not turn guests off.
run env -u INVOCATION_ID build/asan/lguestd --service-stop -c "$tmp/bad.yaml"
is "$rc" 0 'but none to leave guests behind at a stop'
like "$err" 'service-stop: takes the default socket' 'which says how it goes on'
run build/asan/lguestd --log-level loud
is "$rc|$err" \
	"2|lguestd: --log-level 'loud': not err, warning, info or debug" \
	'an option that makes no sense is said to'
run build/asan/lguestd start
is "$rc" 2 'it takes no words'

done_testing
