#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See int-n.c.

. t/guest/guest.sh
guest_test int-n
