#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's whole life leaves no memory behind in lgctl, nor a refused one in lguestd.
#
# The sanitizers see what is written wrongly; valgrind sees what is read before it
# was written, in the very programs that are installed but for lg.ko.  It does
# not know pidfd_open(), so the lguestd that it looks at cannot have a runner.

. t/lib/tap.sh
. t/lib/lgctl.sh

command -v valgrind >/dev/null || bail_out 'no valgrind: run make deps'
[ -x build/t/daemon/lguestd ] || bail_out 'build/t/daemon/lguestd: run make all'
grind="valgrind -q --error-exitcode=99 --leak-check=full
	--errors-for-leak-kinds=definite --trace-children=no"

# ground NAME COMMAND... - that lgctl, whatever it ends with, and no complaint
ground() {
	# shellcheck disable=SC2086 # it is several words
	run $grind build/lgctl "$@"
	case $rc in
	99) false ;;
	*) true ;;
	esac
	ok $? "lgctl $(echo "$*" | sed "s,$tmp/,,") ($rc)" || diag "$err"
}

guest web 'power 40;input 41;print hello;wait;poweroff'
lguestd_start
ground create "$tmp/web.yaml"
await '"power_button":true' build/lgctl info --json web
for command in list 'list --json' 'info web' 'logs web' 'pause web' \
	'resume web' "check $tmp/web.yaml" 'wait web --for running' \
	'stop web' 'info web' help nonsense; do
	# shellcheck disable=SC2086 # these are words
	ground $command
done
lguestd_stop
ok $? 'lguestd was well to its end'

LGUESTD="$grind build/t/daemon/lguestd"
lguestd_start
for command in list 'info web' "create $tmp/web.yaml" 'stop web' list; do
	# shellcheck disable=SC2086 # these are words
	lgctl $command
done
is "$rc$out" 0 'lguestd under valgrind answers'
lguestd_stop
ok $? 'and has lost nothing'
clean "$(grep -A 12 -E 'definitely lost|Invalid (read|write)|uninitialised' \
	"$tmp/log")" 'nor read what nobody wrote'
done_testing
