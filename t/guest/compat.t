#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See compat.c.

. t/guest/guest.sh
guest_test compat
