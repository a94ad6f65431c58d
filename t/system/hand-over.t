#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest outlives whoever made it and whoever serves it.
#
# One process makes the VM, another does nothing but run it, and a third answers
# when the first has been killed with an exit in its hands; then a fourth.  The
# guest checks every answer.  Then all of them are killed at any moment, and the
# module can be unloaded.
#
# Once: who serves a guest is the same on every CPU.

. t/system/inside.sh
inside -t 300

build/t/system/hand-over || exit
rmmod lg || {
	echo "not ok - lg.ko can be unloaded afterwards"
	exit 1
}
