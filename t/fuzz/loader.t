#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# No kernel file makes the loader write where it must not.
#
# See loader.c.  LG_ROUNDS=50 goes on for fifty times as long.

. t/lib/c.sh

runs=2000
runs=$((runs * ${LG_ROUNDS:-1}))
export LOADER_RUNS=$runs

c_test t/fuzz/loader.c daemon/run/report.c daemon/run/ram.c \
	daemon/run/kernel.c daemon/run/kind.c daemon/run/boot.c \
	-Idaemon/run -fsanitize=address,undefined
