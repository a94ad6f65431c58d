#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# session.sh - the first thing a fresh machine does: load our module
#
# A module that does not load is told of and no more, for there are tests of
# just that.

module=/lg/build/lg.ko

[ -e "$module" ] || exit 0
insmod "$module" || echo "# rig: insmod $module failed" >&2
