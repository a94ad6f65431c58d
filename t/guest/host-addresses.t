#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See host-addresses.c.

. t/guest/guest.sh
guest_test host-addresses
