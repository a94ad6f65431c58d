#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lguest-graft opens kernels, and says what other files are.
#
# See graft-image.c.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/graft-image.c t/lib/made_kernel.c guestos/linux/why.c \
	guestos/linux/image.c guestos/linux/unpack.c guestos/linux/write.c \
	-Iguestos/linux -llzma -lzstd -llz4 -lz
