#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the Switcher cannot work lg.ko does not load, and says why not.
#
# It would be too late to say so from inside a world switch.
#
# Once: it chooses its CPUs itself.

. t/lib/tap.sh
. t/lib/rig.sh
rig_need

LG_MODEL=${LG_MODEL:-amd}

# refuse ARGUMENT SENTENCE - with that on the host's command line it says that
refuse() {
	run t/rig/rig exec -m "$LG_MODEL" -t 100 --append "$1" -- sh -c \
		'insmod build/lg.ko; echo "status $?"
		grep -c ^lg /proc/modules; dmesg | grep lg: | tail -n 1'
	like "$out" '^status [1-9]' "with $1 the module does not load"
	like "$err" 'No such device' 'whoever loads it gets ENODEV'
	like "$out" "cannot run here: .*$2" 'and the log has the reason'
	like "$out" '^0$' 'and nothing of it stays'
}

plan 8
refuse nofsgsbase FSGSBASE
refuse clearcpuid=nx ' NX'
