#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that make no sense end nothing but themselves: see guest-fuzz.c.
#
# This is bounded, and from a new seed each time; `make fuzz` goes on for ever.
#
# On a machine of its own: there are instructions after which QEMU takes bits of a
# number for flags, and that CPU then has VIP or VIF set for good, which no popf
# there clears.  Tests of RFLAGS that came later on it failed, some day, all.

. t/guest/guest.sh
# shellcheck disable=SC2034 # it is guest.sh's
guest_fresh=1
guest_program 600 build/t/guest-fuzz --runs $((500 * ${LG_ROUNDS:-1}))
