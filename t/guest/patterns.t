#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See patterns.c; here a guest is alone.

. t/guest/guest.sh
guest_test patterns
