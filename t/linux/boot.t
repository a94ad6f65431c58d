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
cpus=${LINUX_CPUS:-3}
linux_run -c "$cpus" -- quiet vsyscall=xonly "cpus=$cpus" \
	"16bit=$(linux_has X86_16BIT)" \
	"checks=${LINUX_CHECKS:-}" "${LINUX_WORD:-quiet}" >"$tmp/console"
rc=$?
tr -d '\r' <"$tmp/console"
exit $rc
