#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Vcpus interrupt, wake, start and end each other, and nothing gets lost.
#
# Each of them is a thread of the host's, and any two may be at any two points.
# An interrupt that comes while its vcpu is on its way to sleep must wake it, a
# start that two others ask for is one start, and who is killed takes the rest
# along.  A vcpu may be closed while others send to it, and RAM be taken away
# while others write to it.
#
# Not singlestep: many minutes, and nothing new to see.

. t/system/inside.sh
inside -t 600

exec build/t/system/smp
