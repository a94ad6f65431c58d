#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that make no sense end nothing but themselves: see guest-fuzz.c.
#
# This is bounded, and from a new seed each time; `make fuzz` goes on for ever.

. t/guest/guest.sh
guest_program 600 build/t/guest-fuzz --runs $((500 * ${LG_ROUNDS:-1}))
