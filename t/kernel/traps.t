#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Exceptions end processes, and do not end the kernel.

. t/kernel/kernel.sh
kernel_test traps
