#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See compat.c.
#
# Smoke, not singlestep: what a CPU may do in its own way.

. t/guest/guest.sh
guest_test compat
