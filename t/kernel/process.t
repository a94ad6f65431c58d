#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Processes: made, copied, preempted, ended.

. t/kernel/kernel.sh
kernel_test process
