#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A profiler may look at a CPU that runs guests.
#
# A sample is taken by an interrupt or an NMI, at any instruction, and looks at
# registers and stacks which may just be a guest's.  With the CPU's own counters
# where there are any, with the kernel's clock in any case; what was used is
# said.

. t/system/inside.sh
inside -t 150

exec build/t/system/sample
