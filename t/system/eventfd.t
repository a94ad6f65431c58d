#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# An eventfd is an interrupt, or a token is an eventfd, until either is gone.
#
# Devices raise interrupts from wherever they are, and guests kick devices as
# often as they like, so neither may cost a call.  Eventfds, vcpus and VMs are
# closed in any order, while others write to them, and a wire between two of
# them must be the first to go.
#
# Once: a file is the same on every CPU.

. t/system/inside.sh
inside -t 300

build/t/system/eventfd || exit
rmmod lg || {
	echo "not ok - lg.ko can be unloaded afterwards"
	exit 1
}
