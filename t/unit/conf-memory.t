#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See conf-memory.c.  What is in an archive can be wrapped.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/conf-memory.c t/lib/starve.c daemon/conf*.c @t/lib/starve-flags \
	-Wl,-Bstatic -ljansson -lyaml -Wl,-Bdynamic
