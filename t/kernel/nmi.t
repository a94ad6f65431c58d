#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The interrupt that cannot be turned off, between two CPUs.

. t/kernel/kernel.sh
kernel_test nmi
