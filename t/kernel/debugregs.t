#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Breakpoints and watchpoints, of the kernel and of processes.
#
# On one CPU, so that processes with and without them take turns there.

. t/kernel/kernel.sh
kernel_test debugregs cpus=1
