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
#	                        ones, or another flavour's
#	kernel_newer            the release of Debian's next kernel, which is in
#	                        bookworm-backports; fails without the archive
#	kernel_selftests RELEASE  of its source, with what its selftests are built of

kernel_release() {
	sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' \
		"$(make -s kdir)/include/generated/utsrelease.h"
}

kernel_cache=${XDG_CACHE_HOME:-$HOME/.cache}/lguest-kernels

# kernel_apt COMMAND... - apt, which knows of backports, where this machine has its
# packages from; its own need not
kernel_apt() {
	kernel_lists=$kernel_cache/backports
	[ -e "$kernel_lists/conf" ] || (
		mkdir -p "$kernel_lists/state/lists/partial" "$kernel_lists/cache" \
			"$kernel_lists/parts" && cd "$kernel_lists" || exit
		# shellcheck disable=SC2016 # apt puts it in
		mirror=$(apt-get indextargets --format '$(REPO_URI)' \
			'Codename: bookworm' | head -n 1)
		echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]' \
			"$mirror bookworm-backports main" >list
		cat >conf.new <<-EOT
			Dir::Etc::sourcelist "$PWD/list";
			Dir::Etc::sourceparts "$PWD/parts";
			Dir::State "$PWD/state";
			Dir::State::status "/var/lib/dpkg/status";
			Dir::Cache "$PWD/cache";
		EOT
		APT_CONFIG=$PWD/conf.new apt-get update -q \
			-o APT::Sandbox::User=root >&2 && mv conf.new conf
	)
	APT_CONFIG=$kernel_lists/conf "$@"
}

# kernel_fetch PACKAGE... - into this folder
kernel_fetch() {
	case $1 in
	*-6.1.*) apt-get download -q -o APT::Sandbox::User=root "$@" >&2 ;;
	*) kernel_apt apt-get download -q -o APT::Sandbox::User=root "$@" >&2 ;;
	esac
}

kernel_newer() {
	set -- "$kernel_cache"/vmlinuz-6.12.*[0-9]-amd64
	if [ -e "$1" ]; then
		echo "${1#*vmlinuz-}"
		return
	fi
	kernel_apt apt-cache search --names-only '^linux-headers-6\.12\..*[0-9]-amd64$' |
		sed -n 's/^linux-headers-\([^ ]*\).*/\1/p' | sort -V | tail -n 1 | grep .
}

# kernel_unpack RELEASE - what we keep of its package, each whole or not at all
kernel_unpack() (
	list=$PWD/guestos/linux/debian/modules
	mkdir -p "$kernel_cache/new.$$" && cd "$kernel_cache/new.$$" || exit
	# What a flavour has built in, or has not, tar does not find, and goes on.
	kernel_fetch "linux-image-$1" && {
		dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards \
			--no-wildcards-match-slash -T "$list" "./boot/vmlinuz-$1" ||
			[ -e "lib/modules/$1/modules.dep" ] ||
			[ -e "lib/modules/$1/modules.builtin" ]
	} &&
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

# kernel_unpack_headers RELEASE - a flavour's share, and what all flavours have
# unless that is installed
kernel_unpack_headers() (
	mkdir -p "$kernel_cache/new.$$" && cd "$kernel_cache/new.$$" || exit
	version=${1%-amd64}
	version=${version%-cloud}
	ours=usr/src/linux-headers-$1
	base=/usr
	kernel_fetch "linux-headers-$1" || base=
	if [ ! -e "/usr/src/linux-headers-$version-common" ]; then
		kernel_fetch "linux-headers-$version-common" \
			"linux-kbuild-$version" && base=$kernel_cache/usr-$version
	fi
	for deb in ./*.deb; do
		dpkg-deb -x "$deb" . || base=
	done
	for link in scripts tools; do
		ln -sfn "$base/$(readlink "$ours/$link" | sed 's,^[./]*,,')" "$ours/$link"
	done
	[ -n "$base" ] && sed -i "s,/usr/,$base/," "$ours/Makefile" &&
		mv -T "$ours" "$kernel_cache/headers-$1" &&
		if [ "$base" != /usr ]; then mv -T usr "$base"; fi
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
