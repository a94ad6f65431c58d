#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# paravirt_disable_iospace: a guest that probes for old disks boots slower.
#
# The boot's own clock measures both, and the log shows it.  No verdict hangs on
# how long it took, but that waiting in vain takes longer than not to wait.

. t/kernel/kernel.sh

# probed WORD - how long a guest's boot probed, in microseconds
probed() {
	on_lguest end "$1" 2>/dev/null |
		sed -n 's/^probe: .* answer, \([0-9]*\) us.*/\1/p'
}

plan 3
rig_need
with=$(probed probe=1)
without=$(probed probe=0)
diag "probing: $with us; not probing: $without us"
[ -n "$with" ] && [ -n "$without" ]
ok $? 'both boots say how long they probed'
[ "${with:-0}" -ge 120000 ]
ok $? 'paravirt_disable_iospace: four ports keep a boot waiting'
[ "${without:-0}" -lt "${with:-0}" ]
ok $? 'paravirt_disable_iospace: and a boot without them is quicker'
