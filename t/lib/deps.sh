#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# deps.sh - what lguest needs of Debian, and installing what of it is missing
#
#	t/lib/deps.sh [GROUP...]	install the groups given, or `check`'s
#	t/lib/deps.sh -n [GROUP...]	only name what is missing
#	t/lib/deps.sh -l [GROUP...]	name everything, missing or not
#
# The list is here and nowhere else.  With nothing missing this says nothing,
# changes nothing and needs no privilege; it is run before every `make check`.

# groups - one line each: its name, then its packages
groups() {
	cat <<-'EOT'
		build gcc g++ make libc6-dev binutils linux-headers-amd64
		build pkg-config libevent-dev libyaml-dev libjansson-dev libsystemd-dev
		build libseccomp-dev libcap-ng-dev liburing-dev
		build liblzma-dev libzstd-dev liblz4-dev zlib1g-dev
		build libnl-3-dev libnl-route-3-dev libnftables-dev
		lint mandoc valgrind clang-format shellcheck sparse perl
		fuzz clang libclang-rt-14-dev
		rig qemu-system-x86 linux-headers-amd64 systemd systemd-container
		rig dbus udev kmod nftables passt
		rig bash dash busybox-static iproute2 mount util-linux
		rig gcc libc6-dev cpio xz-utils procps
		debian mmdebstrap e2fsprogs openssh-client
		selftests libc6-dev-i386 lib32gcc-12-dev libcap-dev libnuma-dev
		bochs bochs bochs-term bochsbios vgabios
		bochs busybox-static gcc libc6-dev binutils cpio bsdutils
		tags universal-ctags
	EOT
}

# packages GROUP... - all of theirs
packages() {
	for group in "$@"; do
		groups | sed -n "s/^$group //p" | tr ' ' '\n'
	done | sort -u
}

# missing GROUP... - those of them that are not installed
missing() {
	packages "$@" | while read -r package; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>&1)
		[ "$state" = installed ] || echo "$package"
	done
}

mode=install
case ${1:-} in -[nl]) mode=$1 && shift ;; esac
[ $# -gt 0 ] || set -- build lint fuzz rig debian selftests

for group in "$@"; do
	[ -n "$(packages "$group")" ] && continue
	echo "deps.sh: group '$group': not in the list" >&2
	exit 2
done

case $mode in
-l) packages "$@" && exit ;;
-n) missing "$@" && exit ;;
esac
wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0

# shellcheck disable=SC2086 # package names have no spaces
set -- $wanted
echo "deps.sh: installing $# packages: $*"
if [ "$(id -u)" -ne 0 ]; then
	echo "deps.sh: run as root once, or: apt-get install $*" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q=1 &&
	apt-get install -q=1 -y --no-install-recommends "$@"
