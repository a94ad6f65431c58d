#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See paging-mix.c.
#
# Not singlestep: ten minutes, and nothing new to see.

. t/guest/guest.sh
guest_test paging-mix
