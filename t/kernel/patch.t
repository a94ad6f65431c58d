#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The hot four are patched in line from templates.

. t/kernel/kernel.sh
kernel_test patch
