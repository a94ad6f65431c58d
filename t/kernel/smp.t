#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Two CPUs, their interrupts, and pages that go away for both.

. t/kernel/kernel.sh
kernel_test smp
