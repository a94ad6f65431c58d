#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See told.c.

. t/guest/guest.sh
guest_test told
