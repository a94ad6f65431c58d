#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See hello.c.
#
# Smoke: nothing else means anything without it.

. t/guest/guest.sh
guest_test hello
