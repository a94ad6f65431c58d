#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See direct-fault.c.
#
# Smoke: what a CPU may do in its own way.

. t/guest/guest.sh
guest_test direct-fault
