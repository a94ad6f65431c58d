#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See conf-complaints.c.  With the sanitizers: what it reads is hostile.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/conf-complaints.c daemon/conf*.c -ljansson -lyaml
