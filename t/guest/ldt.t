#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See ldt.c.

. t/guest/guest.sh
guest_test ldt
