#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See events.c.
#
. t/guest/guest.sh
guest_test events
