#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See loader.c.  With the sanitizers, for what it reads was made to hurt.

. t/lib/c.sh
c_test t/unit/loader.c daemon/run/report.c daemon/run/ram.c \
	daemon/run/kernel.c daemon/run/kind.c daemon/run/boot.c \
	-Idaemon/run -fsanitize=address,undefined
