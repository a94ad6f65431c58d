# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# tap.sh - the Test Anything Protocol, for tests written in sh
#
#	. t/lib/tap.sh
#	plan 2
#	run t/rig/rig models
#	is "$rc" 0 'the rig can say what it imitates'
#	like "$out" '^amd$' 'and the default model is among them'
#
# Tests run from the top of the tree, where prove is called.  A name is a
# sentence that is true when the check passes.  Nothing here ever turns a
# failure into a pass: a test that dies half-way has broken its plan, and prove
# says so.

tap_count=0
tap_failed=0

# plan N - promise how many checks will follow
plan() {
	echo "1..$1"
}

# done_testing - instead of plan, at the end, when the number was not known
done_testing() {
	plan "$tap_count"
}

# ok STATUS NAME - one check of an exit status: `cmd; ok $? 'it worked'`
ok() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $2"
	return 1
}

# is GOT WANT NAME - two strings are the same; shows both when they are not
is() {
	[ "$1" = "$2" ]
	ok $? "$3" || {
		diag "  got '$1'"
		diag " want '$2'"
		return 1
	}
}

# like GOT REGEX NAME - some line of GOT matches an extended regular expression
like() {
	printf '%s\n' "$1" | grep -Eq -e "$2"
	ok $? "$3" || {
		diag "  got '$1'"
		diag " like '$2'"
		return 1
	}
}

# clean COMPLAINTS NAME - a search for faults found none, or shows what it found
clean() {
	[ -z "$1" ]
	ok $? "$2" || {
		diag "$1"
		return 1
	}
}

# skip N WHY - these many checks cannot be made here
skip() {
	tap_left=$1
	while [ "$tap_left" -gt 0 ]; do
		tap_count=$((tap_count + 1))
		tap_left=$((tap_left - 1))
		echo "ok $tap_count # SKIP $2"
	done
}

# skip_all WHY - nothing in this file can be tried here
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# diag TEXT - comment lines, one per line of TEXT
diag() {
	printf '%s\n' "$1" | sed 's/^/# /'
}

# bail_out WHY - the test itself cannot go on; stops all of prove's run
bail_out() {
	echo "Bail out! $1"
	exit 255
}

# tap_tmp - sets $tmp to a directory of this test's own, gone when it ends
tap_tmp() {
	[ -n "${tmp:-}" ] && return
	tmp=$(mktemp -d) || bail_out 'no temporary directory'
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 129' HUP INT TERM
}

# run CMD... - leaves $rc, $out and $err behind
# shellcheck disable=SC2034 # they are for the caller
run() {
	tap_tmp
	rc=0
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null || rc=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}
