#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See mov-ss.c.

. t/guest/guest.sh
guest_test mov-ss
