#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What lguest_init() of the seed sets up is there, and sane.

. t/kernel/kernel.sh
kernel_test boot
