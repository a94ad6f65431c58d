#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lguest-graft finds a kernel's own symbols and types, or says that it cannot.
#
# See graft-symbols.c.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/graft-symbols.c t/lib/made_kernel.c guestos/linux/why.c \
	guestos/linux/kallsyms.c guestos/linux/btf.c -Iguestos/linux -llzma \
	-lzstd -llz4 -lz
