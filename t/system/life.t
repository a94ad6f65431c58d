#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest lives as long as its descriptors, and dies as quickly as its process.
#
# Smoke, not singlestep: how a process comes and goes differs with the page
# table's depth.
#
# A guest in an endless loop has the CPU for itself until the host's timer, and
# its process must be as easy to stop and to kill as any other.  It belongs to
# descriptors and to no process, so a child, another program and a stranger may
# run it on, each with a page table that has never heard of the Switcher.  And
# what a guest stands on, RAM, run page, VM, may be taken away while it runs,
# which may cost the guest its life but nobody else anything.

. t/system/inside.sh
inside -t 120

exec build/t/system/life
