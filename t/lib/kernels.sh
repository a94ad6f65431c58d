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
#	kernel_modules RELEASE  of a folder with those of its modules that a guest
#	                        may have a use for
#	kernel_headers RELEASE  of those that a module is built with: the installed
#	                        ones, or another flavour's of the same version
#	kernel_selftests RELEASE  of its source, with what its selftests are built of

kernel_release() {
	sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' \
		"$(make -s kdir)/include/generated/utsrelease.h"
}

kernel_cache=${XDG_CACHE_HOME:-$HOME/.cache}/lguest-kernels

# kernel_unpack RELEASE - what we keep of its package, each whole or not at all
kernel_unpack() (
	list=$PWD/guestos/linux/debian/modules
	mkdir -p "$kernel_cache/new.$$" && cd "$kernel_cache/new.$$" || exit
	apt-get download -q -o APT::Sandbox::User=root "linux-image-$1" >&2 &&
		dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards \
			--no-wildcards-match-slash -T "$list" "./boot/vmlinuz-$1" &&
		mv -f "boot/vmlinuz-$1" "$kernel_cache/" &&
		mv -T "lib/modules/$1" "$kernel_cache/modules-$1"
	rm -rf "$kernel_cache/new.$$"
)

# kernel_unpack_source RELEASE - of the package of its version, or, when that has
# left the archive, of the one before or after it
kernel_unpack_source() (
	package=linux-source-$(echo "$1" | cut -d. -f1,2)
	version=$(dpkg-query -W -f '${Version}' "linux-headers-$1")
	get() {
		apt-get download -q -o APT::Sandbox::User=root "$1" >&2
	}
	mkdir -p "$kernel_cache/new.$$/source" && cd "$kernel_cache/new.$$" || exit
	{ get "$package=$version" || get "$package"; } &&
		dpkg-deb --fsys-tarfile ./*.deb |
		tar -x -O "./usr/src/$package.tar.xz" |
			tar -x -J -C source --strip-components=1 \
				"$package/tools/testing/selftests" \
				"$package/tools/include" "$package/include/vdso" \
				"$package/mm/gup_test.h" "$package/lib/test_hmm_uapi.h" \
				"$package/arch/x86/include/asm/desc_defs.h" &&
		mv -T source "$kernel_cache/selftests-$1"
	rm -rf "$kernel_cache/new.$$"
)

# kernel_have FILE RELEASE [UNPACK] - it is there, or is now
kernel_have() {
	[ -e "$kernel_cache/$1" ] || "${3:-kernel_unpack}" "$2"
	[ -e "$kernel_cache/$1" ] && echo "$kernel_cache/$1"
}

kernel_image() {
	kernel_have "vmlinuz-$1" "$1"
}

kernel_modules() {
	kernel_have "modules-$1" "$1"
}

# kernel_unpack_headers RELEASE - a flavour's share; what all have is installed
kernel_unpack_headers() (
	mkdir -p "$kernel_cache/new.$$" && cd "$kernel_cache/new.$$" || exit
	apt-get download -q -o APT::Sandbox::User=root "linux-headers-$1" >&2 &&
		dpkg-deb -x ./*.deb . &&
		for link in scripts tools; do
			into=usr/src/linux-headers-$1/$link
			ln -sfn "$(realpath -m "/${into%/*}/$(readlink "$into")")" "$into"
		done &&
		mv -T "usr/src/linux-headers-$1" "$kernel_cache/headers-$1"
	rm -rf "$kernel_cache/new.$$"
)

kernel_headers() {
	if [ -e "/usr/src/linux-headers-$1" ]; then
		echo "/usr/src/linux-headers-$1"
		return
	fi
	[ -e "$kernel_cache/headers-$1" ] || kernel_unpack_headers "$1"
	[ -e "$kernel_cache/headers-$1" ] && echo "$kernel_cache/headers-$1"
}

kernel_selftests() {
	kernel_have "selftests-$1" "$1" kernel_unpack_source
}
