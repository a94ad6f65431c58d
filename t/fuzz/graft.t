#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# No kernel makes lguest-graft read what is not in it, or go on for ever.
#
# See graft.c.  LG_LONG=1 goes on for fifty times as long.

. t/lib/c.sh

runs=1500
[ -z "${LG_LONG:-}" ] || runs=$((runs * 50))
export GRAFT_RUNS=$runs

c_test t/fuzz/graft.c t/lib/made_kernel.c guestos/linux/why.c \
	guestos/linux/image.c guestos/linux/unpack.c guestos/linux/kallsyms.c \
	guestos/linux/btf.c guestos/linux/check.c guestos/linux/write.c \
	-Iguestos/linux -fsanitize=address,undefined -llzma -lzstd -llz4 -lz
