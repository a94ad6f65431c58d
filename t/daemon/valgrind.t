#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's whole life leaves neither memory nor descriptors behind.
#
# The sanitizers see what is written wrongly; valgrind sees what is read before it
# was written, in the very programs that are installed but for lg.ko.

. t/lib/tap.sh
. t/lib/lgctl.sh

command -v valgrind >/dev/null || skip_all 'no valgrind'
[ -x build/t/daemon/lguestd ] || bail_out 'build/t/daemon/lguestd: run make all'
grind="valgrind -q --error-exitcode=99 --leak-check=full --track-fds=yes
	--errors-for-leak-kinds=definite --trace-children=no"

LGUEST_RUN=$PWD/build/asan/fake-run
LGUESTD="$grind build/t/daemon/lguestd"
export LGUEST_RUN
lgctl() {
	# shellcheck disable=SC2086 # it is several words
	run $grind build/lgctl "$@"
}

guest web 'power 40;input 41;print hello;wait;poweroff'
lguestd_start
for command in "create $tmp/web.yaml" list 'list --json' 'info web' \
	'logs web' 'pause web' 'resume web' "check $tmp/web.yaml" \
	'wait web --for running' 'stop web' 'info web' "create $tmp/web.yaml" \
	'destroy web' help 'nonsense'; do
	# shellcheck disable=SC2086 # these are words
	lgctl $command
	case $rc in 99) false ;; *) true ;; esac
	ok $? "lgctl $command" || diag "$err"
	case $command in
	create*) await '"power_button":true' build/lgctl info --json web ;;
	esac
done
lguestd_stop
ok $? 'lguestd'
clean "$(grep -A 12 -E 'definitely lost|Invalid|uninitialised' "$tmp/log")" \
	'and it says so'
done_testing
