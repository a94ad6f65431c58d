#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that share a CPU do not share registers, nor with their own threads.
# See patterns.c, and t/lib/patterns.c.

. t/guest/guest.sh
guest_program 300 build/t/patterns 3
