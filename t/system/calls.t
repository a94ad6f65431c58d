#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Whatever has no meaning is refused, so that it can be given one.
#
# Every spare word and flag of every structure, sizes, numbers and addresses
# that cannot be, registers that the guest could not be entered with: each has
# one errno, and changes nothing.

. t/system/inside.sh
inside -t 60

exec build/t/system/calls
