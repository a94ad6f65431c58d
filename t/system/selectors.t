#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A daemon's segment registers cannot trip the Switcher.
#
# The Switcher loads the thread's selectors again on its way home, at CPL 0.  A
# thread came with one in DS whose TLS entry it had meanwhile cleared; the load
# faulted, going home from the fault faulted again, and the host was gone.  Now
# a thread with anything but the kernel's own segments is turned away.

. t/system/inside.sh
inside -t 60

exec build/t/system/selectors
