#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See ldt.c.
#
# Smoke, not singlestep: each CPU checks what the Switcher loads in its own way.

. t/guest/guest.sh
guest_test ldt
