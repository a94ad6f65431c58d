#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Only a sealed memfd is RAM, and only in pieces that make sense.
#
# The pages of guest RAM stay for as long as lg.ko holds the file.  That is true
# of a memfd that cannot shrink, and of hardly anything else: whatever else is
# offered has to be refused, with an errno that says what is wrong with it.
# Sizes and offsets are a caller's numbers, up to 2^64-1 and past it.

. t/system/inside.sh
inside -t 60

exec build/t/system/slots
