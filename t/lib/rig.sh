# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# rig.sh - what a test script needs to run things where our module is
#
# Source it from the top of the tree.  A test that needs a machine starts with
# rig_need, so that it fails, with the reason, where there can be none.
#
#	rig_need                the machine can be had, or the tests end here
#	rig_exec [opt] cmd...   as t/rig/rig exec
#	rig_run [opt] cmd...    the same, leaving $rc, $out and $err
#	rig_expect regex cmd... with RIG_EXPECT_LOG set for that command

rig_exec() {
	t/rig/rig exec "$@"
}

rig_run() {
	_rig_err=$(mktemp)
	# shellcheck disable=SC2034 # for the test to look at
	out=$(t/rig/rig exec "$@" 2>"$_rig_err") && rc=0 || rc=$?
	# shellcheck disable=SC2034
	err=$(cat "$_rig_err")
	rm -f "$_rig_err"
	return "$rc"
}

rig_expect() {
	_rig_log=$1
	shift
	RIG_EXPECT_LOG=$_rig_log t/rig/rig exec "$@"
}

# Only a machine that cannot have the packages is a reason to skip: an image
# that fails to build is a failure, and shows itself in the test.
rig_need() {
	command -v qemu-system-x86_64 >/dev/null && return 0
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && return 0
	echo 'Bail out!  no qemu-system-x86_64, and no way to install it'
	exit 1
}
