#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Processes: made, copied, preempted, ended.
#
# Smoke, not singlestep: what a kernel needs of each model.

. t/kernel/kernel.sh
kernel_test process
