#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Clocks, clock events, and interrupts that wait.

. t/kernel/kernel.sh
kernel_test time
