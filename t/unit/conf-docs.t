#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See conf-docs.c.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/conf-docs.c daemon/conf*.c -ljansson -lyaml
