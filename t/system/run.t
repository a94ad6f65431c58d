#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lguest-run boots a kernel, and can do nothing else.
#
# A guest that found a way out of lg.ko would be in the process that runs it.
# So we look at what there is to be found: no root, no capability, no memory of
# the guest's, no file but its vcpus, and a list of system calls that kills who
# leaves it.  That process may end at any moment, killed or asked to, before the
# guest runs or while it does, and another one can go on where it was.
#
# Once: what a process may do is the same on every CPU.

. t/system/inside.sh
inside -t 300

exec build/t/system/run
