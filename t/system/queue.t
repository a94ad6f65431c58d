#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# An exit waits until it is answered, once, by whoever it may be.
#
# The program that serves a guest need not be the one that runs it, and may be
# replaced between any two of its instructions.  So nothing may depend on what it
# has read: an exit is there until it is answered, and an answer that comes twice
# or late must not be taken for that of the next exit.  Meanwhile the vcpu can be
# looked at, above all when its guest has crashed.
#
# Once: how an exit is answered is the same on every CPU.

. t/system/inside.sh
inside -t 300

exec build/t/system/queue
