#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The same as time.t on a host that does not say how fast the TSC is.

. t/kernel/kernel.sh
kernel_test time notsc=1
