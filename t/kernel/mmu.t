#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A page table means what it says after the flush that goes with it.

. t/kernel/kernel.sh
kernel_test mmu
