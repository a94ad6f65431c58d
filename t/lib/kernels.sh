# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# kernels.sh - Debian's kernels, as they come out of its packages
#
# An image is fetched once, into a folder of the user's cache; nothing is
# installed.
#
#	kernel_release          of the headers that are here
#	kernel_image RELEASE    the path of its vmlinuz; fails without the archive

kernel_release() {
	sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' \
		"$(make -s kdir)/include/generated/utsrelease.h"
}

kernel_image() {
	kernel_cache=${XDG_CACHE_HOME:-$HOME/.cache}/lguest-kernels
	kernel_file=$kernel_cache/vmlinuz-$1
	[ -e "$kernel_file" ] || (
		mkdir -p "$kernel_cache/new.$$" &&
			cd "$kernel_cache/new.$$" || exit
		apt-get download -q -o APT::Sandbox::User=root "linux-image-$1" >&2 &&
			dpkg-deb --fsys-tarfile ./*.deb |
			tar -x "./boot/vmlinuz-$1" &&
			mv "boot/vmlinuz-$1" "$kernel_file"
		rm -rf "$kernel_cache/new.$$"
	)
	[ -e "$kernel_file" ] && echo "$kernel_file"
}
