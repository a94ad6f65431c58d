#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# RAM is taken from vcpus that run, and what they write is told exactly.
#
# A daemon gives memory back to its host, and copies a guest that runs, so pages
# change under vcpus that never flush anything.  One that went on writing to a
# page that is no longer its own would write to somebody else's; one that was
# not noticed to write would be copied without it.  Two vcpus write to the same
# pages from two CPUs, as fast as they can, while that is done to them.

. t/system/inside.sh
inside -t 300

exec build/t/system/ram
