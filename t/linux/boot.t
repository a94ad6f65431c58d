#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's own kernel is a guest, and its programs notice nothing.
#
# What is checked, and how, is in init.c and the files beside it; they say TAP,
# and so this does.

. t/linux/linux.sh
linux_need
tap_tmp
: "$tmp"
linux_run -c "${LINUX_CPUS:-3}" -- quiet vsyscall=xonly \
	"checks=${LINUX_CHECKS:-}" >"$tmp/console"
rc=$?
tr -d '\r' <"$tmp/console"
exit $rc
