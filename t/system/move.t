#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest does not notice that it is moved; a record that cannot be is refused.
#
# Smoke, not singlestep: what FPU and debug registers there are differs from model to model; a
# few moves will do for that.
#
# The state records, RAM and the time are said to be all there is of a guest.
# So one that uses everything is stopped at any moment, given to fresh vcpus of
# another VM, and goes on.  Each field of a record is the word of a file that
# anybody may have made: what cannot be is EINVAL, and then nothing has changed.

. t/system/inside.sh
inside -t 560

moves=100
[ "$LG_MODEL" = amd ] || moves=20
moves=$((moves * ${LG_ROUNDS:-1}))
exec build/t/system/move "$moves"
