#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What is typed wrong is met with what was meant, on stderr and with status 2.

. t/lib/tap.sh
. t/lib/lgctl.sh

# wrong STATUS WANT WORD... - those words end so, with that and no answer
wrong() {
	wrong_rc=$1 wrong_err=$2
	shift 2
	lgctl "$@"
	is "$rc|$out|$err" "$wrong_rc||lgctl: $wrong_err" "lgctl $*"
}

wrong 2 'needs a command: see lgctl help'
wrong 2 "there is no command 'frobnicate': see lgctl help" frobnicate
wrong 2 "there is no command 'crate': did you mean 'create'?" crate web.yaml
wrong 2 "there is no command 'lst': did you mean 'list'?" lst
while read -r theirs ours; do
	wrong 2 "there is no command '$theirs': did you mean '$ours'?" "$theirs" x
done <<-EOT
	start create
	shutdown stop
	status info
	kill destroy
	suspend pause
	unpause resume
	reboot reset
	ls list
	validate check
EOT
wrong 2 "'--colour' is no option of lgctl: see lgctl --help" --colour list
wrong 2 "'-x' is no option of lgctl: see lgctl --help" -x
wrong 2 "list: '--force' is no option of its: see lgctl list --help" list --force
wrong 2 "list: '-z' is no option of its: see lgctl list --help" list -z
wrong 2 "list: 'web' is one word too many: see lgctl list --help" list web
wrong 2 "info: needs NAME: see lgctl info --help" info
wrong 2 "info: 'b' is one word too many: see lgctl info --help" info a b
wrong 2 "create: needs FILE...: see lgctl create --help" create
wrong 2 "wait: '--timeout' needs a value: see lgctl wait --help" wait x --timeout
for time in '' x -1 1x 86401 25h 9999999999999999999 '1 '; do
	wrong 2 "wait: --timeout '$time': not a time up to a day (like 90 or 5m)" \
		wait x --timeout "$time"
done
wrong 2 "console: --escape '^AB': not a character, ^ and a letter, or none" \
	console x --escape ^AB
wrong 2 "run: needs --foreground; in the background: lgctl create x.yaml" \
	run x.yaml

lgctl help
is "$rc$err" 0 'help is an answer'
listed=$(build/asan/lgctl help --names)
for command in $listed; do
	echo "$out" | grep -q "^  $command " && lgctl "$command" --help &&
		[ "$rc$err" = 0 ] && echo "$out" | head -n 1 |
		grep -q "^usage: lgctl $command \[OPTION\]"
	ok $? "lgctl $command --help is an answer, and help lists it"
	lgctl help
done
lgctl --help
is "$rc$err" 0 'so is --help'
lgctl --version
is "$rc|$out" "0|$(build/asan/lgctl version)" 'and --version'
lgctl help shutdown
is "$rc$err" "2lgctl: there is no command 'shutdown': did you mean 'stop'?" \
	'help knows what was meant, too'
lgctl version --json
is "$rc$(echo "$out" | perl -MJSON::PP -0ne 'print decode_json($_)->{protocol}')" \
	01 'versions can be had as JSON'

build/asan/lgctl help >/dev/full 2>"$tmp/err"
is "$?$(cat "$tmp/err")" '1lgctl: stdout: No space left on device' \
	'an answer that could not be written is a failure'

done_testing
