#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# And the module that checks its own rules finds none broken: see torture.t.

LG_KO=build/debug/lg.ko exec sh t/system/torture.t
