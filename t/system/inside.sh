# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# inside.sh - a test script that wants to be in the rig
#
#	. t/system/inside.sh
#	inside [options of rig exec]
#
# On the machine of whoever runs the tests this starts the rig and becomes the
# same script there, in a fresh machine that it may spoil; there, it goes on.
# LG_KO names another module to test, build/debug/lg.ko for one.
#
# A host that complained in its log ends the script with status 125.

. t/lib/tap.sh
. t/lib/rig.sh

inside() {
	if [ -n "${LG_INSIDE:-}" ]; then
		[ "$LG_KO" = build/lg.ko ] || load_other
		return
	fi
	rig_need
	exec t/rig/rig exec -f -m "$LG_MODEL" "$@" -- env LG_INSIDE=1 \
		LG_ROUNDS="${LG_ROUNDS:-1}" LG_ALL="${LG_ALL:-}" LG_MODEL="$LG_MODEL" LG_KO="$LG_KO" \
		LINUX_FLAVOUR="${LINUX_FLAVOUR:-}" LG_SECONDS="${LG_SECONDS:-}" \
		sh "$0"
}

load_other() {
	rmmod lg
	insmod "$LG_KO" || bail_out "$LG_KO cannot be loaded"
}

LG_MODEL=${LG_MODEL:-amd}
LG_KO=${LG_KO:-build/lg.ko}
