# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# rig.sh - t/lib/rig.sh of a Bochs boot, where the rig is the machine itself

# rig_exec [OPTION...] -- CMD... - here and now
rig_exec() {
	while [ "$1" != -- ]; do
		shift
	done
	shift
	"$@"
}

# rig_need - it is there
rig_need() {
	:
}
