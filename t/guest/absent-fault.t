#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See absent-fault.c.

. t/guest/guest.sh
guest_test absent-fault
