#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A paused VM stands still: its vcpus, its memory, its clock and its timers.
#
# Whoever pauses a guest wants to look at it, to copy it or to leave it for an
# hour, and it must not tell the difference: no time passes for it, what was to
# come in six milliseconds still does, and only the time of day has moved on.
# Its vcpus can be read and written while those who run them wait.
#
# Once: to stand still is the same on every CPU.

. t/system/inside.sh
inside -t 300

exec build/t/system/pause
