#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Which kernel everything is built for, where the headers of several are installed.
#
# A cloud flavour's sort behind the ones for servers, and a newer release begins with
# the same four characters.  With either of them lg.ko was once built for a kernel
# that the rig does not boot.

. t/lib/tap.sh

tap_tmp
: "$tmp"
unset MAKEFLAGS MAKELEVEL MFLAGS KDIR

# picks NAME... - make's choice of these
picks() {
	rm -rf "$tmp/src" && mkdir "$tmp/src"
	for name in "$@"; do
		mkdir "$tmp/src/linux-headers-$name"
	done
	make -s kdir SRC="$tmp/src" | sed "s,^$tmp/src/linux-headers-,,"
}

plan 4
is "$(picks 6.1.0-9-amd64 6.1.0-56-amd64 6.1.0-56-common)" 6.1.0-56-amd64 \
	'the newest'
is "$(picks 6.1.0-56-amd64 6.1.0-56-cloud-amd64 6.1.0-57-rt-amd64)" \
	6.1.0-56-amd64 'of no other flavour'
is "$(picks 6.1.0-56-amd64 6.12.9+bpo-amd64 6.12.43+deb13-amd64)" \
	6.1.0-56-amd64 'and of Debian 12'

# The rig boots the kernel that lg.ko is for, and lguest-debian takes the same.
glob='linux-headers-6.1.*[0-9]-amd64'
is "$(grep -lF "$glob" Makefile t/rig/image.sh guestos/linux/debian/lguest-debian |
	wc -l)" 3 'all who choose one choose alike'
