#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Breakpoints and watchpoints, of the kernel and of processes.

. t/kernel/kernel.sh
kernel_test debugregs
