#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# image.sh - make what the rig boots: a kernel and a root, both Debian's
#
# The kernel is the stock one whose headers lg.ko is built with.  It is unpacked
# to an ELF here, once, for unpacking it anew at each boot would cost more than
# the rest of the boot.  The root is copied out of this machine's own file
# system: systemd, its journal, dbus, a shell, busybox for the rest, and the
# libraries our programs link.  Nothing is started on this machine.
#
# Must never happen: two different roots under one key.  The key covers this
# file, the agent and the version of every package we copy from.
#
# usage: image.sh agent        prints the image's directory on stdout
#
# Where we stand: cache.c runs us before it starts a machine.  When all is in
# the cache we look at versions and print a path, and that must stay quick.

set -eu
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH

agent=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/lguest-rig

# Packages without which there is no rig, and where we copy from.
packages=$(sh "$(dirname "$0")/../lib/deps.sh" -l rig)
# Packages we copy from where they are installed: our programs link these.
optional='procps libevent-2.1-7 libevent-core-2.1-7 libevent-pthreads-2.1-7 libyaml-0-2
	libjansson4 libcap-ng0 libseccomp2 liburing2 libnl-3-200 libnl-route-3-200 libnftables1 libnss-systemd
	strace'

binaries='
usr/lib/systemd/systemd
usr/lib/systemd/systemd-journald
usr/lib/systemd/systemd-shutdown
usr/lib/systemd/systemd-udevd
usr/lib/systemd/systemd-logind
usr/lib/systemd/systemd-machined
usr/lib/systemd/systemd-executor
usr/lib/systemd/systemd-sysctl
usr/lib/systemd/systemd-modules-load
usr/bin/systemctl usr/bin/journalctl usr/bin/systemd-run usr/bin/systemd-notify
usr/bin/systemd-cat usr/bin/systemd-cgls usr/bin/systemd-analyze
usr/bin/systemd-tmpfiles usr/bin/systemd-sysusers usr/bin/systemd-escape
usr/bin/systemd-detect-virt usr/bin/systemd-socket-activate
usr/bin/busctl usr/bin/loginctl usr/bin/machinectl usr/bin/udevadm
usr/bin/dbus-daemon usr/bin/dbus-send
usr/bin/bash usr/bin/dash usr/bin/kmod usr/bin/mount usr/bin/umount
usr/bin/timeout usr/bin/stat usr/bin/env usr/bin/setpriv usr/bin/setsid
usr/bin/taskset usr/bin/prlimit usr/bin/unshare usr/bin/nsenter usr/bin/strace
usr/bin/ps usr/bin/pgrep usr/bin/pkill usr/bin/top usr/bin/free
usr/bin/ip usr/bin/ss usr/bin/dmesg usr/sbin/nft
usr/bin/passt usr/bin/passt.avx2
usr/sbin/insmod usr/sbin/rmmod usr/sbin/modprobe usr/sbin/lsmod
usr/sbin/modinfo usr/sbin/depmod
'
libraries='libevent-2.1.so.7 libevent_core-2.1.so.7 libevent_pthreads-2.1.so.7
	libyaml-0.so.2 libjansson.so.4 libcap-ng.so.0 libseccomp.so.2 liburing.so.2
	libnl-3.so.200 libnl-route-3.so.200 libnftables.so.1
	libgcc_s.so.1 libnss_systemd.so.2 libm.so.6 libpthread.so.0 librt.so.1
	libdl.so.2 libsystemd.so.0 libcrypt.so.1'
# Units beyond every target and slice.  What boots is decided in make_units.
units='systemd-journald.service systemd-journald.socket
	systemd-journald-dev-log.socket dbus.service dbus.socket
	systemd-udevd.service systemd-udevd-control.socket
	systemd-udevd-kernel.socket systemd-udev-trigger.service
	systemd-udev-settle.service systemd-logind.service
	systemd-machined.service dbus-org.freedesktop.login1.service
	dbus-org.freedesktop.machine1.service systemd-poweroff.service
	systemd-reboot.service systemd-halt.service systemd-exit.service
	systemd-tmpfiles-setup.service systemd-sysusers.service
	systemd-modules-load.service systemd-sysctl.service modprobe@.service
	sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount
	user@.service user-runtime-dir@.service'
modules='virtio_pci virtio_console 9p 9pnet_virtio virtio_blk virtio_net
	virtio_rng vsock vmw_vsock_virtio_transport vhost_net vhost_vsock
	kvm kvm_amd kvm_intel tun bridge veth dummy macvtap loop overlay
	squashfs ext4 nf_tables nft_chain_nat nft_masq nft_nat nft_ct nft_redir
	nft_reject nft_reject_inet nf_conntrack nf_nat fuse msr cpuid
	mce-inject qemu_fw_cfg nbd'

say() {
	echo "# rig: $*" >&2
}

die() {
	echo "rig: image: $*" >&2
	exit 1
}

versions() {
	# shellcheck disable=SC2086 # a list of words
	dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' \
		$packages $optional libsystemd-shared libc6 \
		'linux-headers-6.1.*[0-9]-amd64' 2>/dev/null |
		sed -n 's/^installed //p'
}

install_missing() {
	for package in $packages; do
		echo "$have" | grep -q "^$package " && continue
		sh ../lib/deps.sh rig >&2 || die 'packages are missing'
		have=$(versions)
		return
	done
}

# kernel_find: $bzimage and the folder of its modules, fetched if need be.
kernel_find() {
	bzimage=/boot/vmlinuz-$kver
	modbase=/
	[ -e "$bzimage" ] && [ -e "/lib/modules/$kver/modules.dep" ] && return
	say "fetching linux-image-$kver (kept in the cache, not installed)"
	mkdir "$new/deb"
	(
		cd "$new/deb" || exit
		apt-get download -o APT::Sandbox::User=root "linux-image-$kver" >&2 || {
			apt-get update >&2
			apt-get download -o APT::Sandbox::User=root "linux-image-$kver" >&2
		}
	) ||
		die "linux-image-$kver: no such package to be had"
	dpkg -x "$new"/deb/*.deb "$new/kernel"
	bzimage=$new/kernel/boot/vmlinuz-$kver
	modbase=$new/kernel
	[ -e "$new/kernel/usr/lib/modules" ] || {
		mkdir -p "$new/kernel/usr"
		mv "$new/kernel/lib" "$new/kernel/usr/lib"
		ln -s usr/lib "$new/kernel/lib"
	}
	depmod -b "$modbase" "$kver"
}

word() {
	od -An -v -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '
}

# Where the packed kernel lies is told by the header of the boot protocol; the
# last four bytes are its unpacked length and no part of the stream.
kernel_unpack() {
	sectors=$(word "$bzimage" 497 1)
	start=$(((sectors + 1) * 512 + $(word "$bzimage" 584 4)))
	length=$(($(word "$bzimage" 588 4) - 4))
	magic=$(od -An -tx1 -j"$start" -N4 "$bzimage" | tr -d ' ')
	case $magic in
	fd377a58) unpack='xz -dc' ;;
	1f8b*) unpack='gzip -dc' ;;
	28b52ffd) unpack='zstd -dc' ;;
	*) die "$bzimage: packed in a way we do not know (magic $magic)" ;;
	esac
	say "unpacking the kernel $kver"
	head -c $((start + length)) "$bzimage" |
		tail -c "$length" | $unpack >"$new/vmlinux"
	cp "$bzimage" "$new/bzImage"
}

copy_files() {
	mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib/systemd/system" \
		"$root/usr/lib64"
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$root/$dir"
	done
	for dir in dev proc sys run tmp root etc mnt lg out host var/log \
		var/lib var/tmp usr/share usr/lib/rig; do
		mkdir -p "$root/$dir"
	done
	busybox --install -s "$root/usr/bin" 2>/dev/null
	rm -f "$root/usr/bin/init" "$root/usr/bin/ip"
	cp "$(command -v busybox)" "$root/usr/bin/busybox.new"
	for link in "$root"/usr/bin/*; do
		[ ! -L "$link" ] || ln -sf busybox "$link"
	done
	rm -f "$root/usr/bin/busybox"
	mv "$root/usr/bin/busybox.new" "$root/usr/bin/busybox"

	for file in $binaries; do
		[ ! -e "/$file" ] || echo "$file"
	done >"$new/files"
	for lib in $libraries; do
		file=usr/lib/x86_64-linux-gnu/$lib
		[ ! -e "/$file" ] || echo "$file"
	done >>"$new/files"
	# shellcheck disable=SC2046 # a list of words
	(cd / && ldd $(cat "$new/files") 2>/dev/null) |
		sed -n 's,.*[[:space:]]\(/[^ ]*\) (0x.*,\1,p' |
		sed 's,^/lib,/usr/lib,; s,^/,,' | sort -u - "$new/files" >"$new/list"
	# A binary must win over busybox' link of that name, not be written
	# through it.
	(cd "$root" && xargs rm -f) <"$new/list"
	tar -C / -ch -T "$new/list" | tar -C "$root" -x
	for tree in usr/share/dbus-1 usr/lib/terminfo usr/lib/udev/rules.d; do
		[ ! -e "/$tree" ] || tar -C / -c "$tree" | tar -C "$root" -x
	done
	ln -sf dash "$root/usr/bin/sh"
	for name in poweroff reboot halt; do
		rm -f "$root/usr/bin/$name"
		ln -s ../bin/systemctl "$root/usr/sbin/$name"
	done
	ln -s usr/lib/systemd/systemd "$root/init"
	cp "$agent" "$root/usr/lib/rig/agent"
}

copy_modules() {
	for module in $modules; do
		modprobe -S "$kver" -d "$modbase" --show-depends "$module" \
			2>/dev/null || say "no module $module in $kver"
	done | sed -n 's,^insmod \([^ ]*\).*,\1,p' | sort -u |
		sed 's,.*/lib/modules/,usr/lib/modules/,' >"$new/list"
	for file in builtin builtin.modinfo order; do
		echo "usr/lib/modules/$kver/modules.$file"
	done >>"$new/list"
	tar -C "$modbase" -ch -T "$new/list" | tar -C "$root" -x
	depmod -b "$root" "$kver"
}

make_etc() {
	cat >"$root/etc/passwd" <<-END
		root:x:0:0:root:/root:/bin/bash
		daemon:x:1:1:daemon:/:/usr/sbin/nologin
		messagebus:x:100:107::/nonexistent:/usr/sbin/nologin
		user:x:1000:1000:an ordinary user:/tmp:/bin/bash
		nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	END
	cat >"$root/etc/group" <<-END
		root:x:0:
		daemon:x:1:
		tty:x:5:
		disk:x:6:
		kmem:x:15:
		utmp:x:43:
		systemd-journal:x:101:
		kvm:x:106:
		messagebus:x:107:
		user:x:1000:
		nogroup:x:65534:
	END
	echo 'passwd: files systemd
group: files systemd
hosts: files' >"$root/etc/nsswitch.conf"
	echo rig >"$root/etc/hostname"
	echo '127.0.0.1 localhost rig' >"$root/etc/hosts"
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	echo 'PRETTY_NAME="lguest rig"
ID=rig' >"$root/etc/os-release"
	: >"$root/etc/fstab"
	chmod 1777 "$root/tmp" "$root/var/tmp"
	ln -s /run "$root/var/run"
}

# Only what is named here starts: there are no generators in this root, and the
# wishes of Debian's own units are not copied.
make_units() {
	lib=$root/usr/lib/systemd/system
	cp -a /usr/lib/systemd/system/*.target /usr/lib/systemd/system/*.slice \
		"$lib"
	for unit in $units; do
		[ ! -e "/usr/lib/systemd/system/$unit" ] ||
			cp -a "/usr/lib/systemd/system/$unit" "$lib"
	done
	cp agent.service "$lib/rig-agent.service"
	ln -sf multi-user.target "$lib/default.target"
	want sysinit.target systemd-journald.service sys-kernel-debug.mount \
		sys-kernel-tracing.mount
	want sockets.target systemd-journald.socket dbus.socket \
		systemd-journald-dev-log.socket
	want multi-user.target rig-agent.service dbus.service

	mkdir -p "$root/etc/systemd"
	cat >"$root/etc/systemd/system.conf" <<-END
		[Manager]
		DefaultTimeoutStopSec=10s
		ShowStatus=no
	END
	cat >"$root/etc/systemd/journald.conf" <<-END
		[Journal]
		Storage=volatile
		RuntimeMaxUse=16M
		ForwardToWall=no
		Audit=no
	END
}

want() {
	target=$1
	shift
	mkdir -p "$lib/$target.wants"
	for unit in "$@"; do
		ln -s "../$unit" "$lib/$target.wants/$unit"
	done
}

make_image() {
	root=$new/root
	mkdir -p "$root"
	kernel_find
	kernel_unpack
	say 'copying the root out of this machine'
	copy_files
	copy_modules
	make_etc
	make_units
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$new/root.cpio"
	rm -rf "$root" "$new/kernel" "$new/deb" "$new/list" "$new/files"
}

cd "$(dirname "$0")"
have=$(versions)
install_missing
kver=$(echo "$have" | sed -n 's/^linux-headers-\([0-9][^ ]*\) .*/\1/p' |
	sort -V | tail -n 1)
[ -n "$kver" ] || die 'linux-headers: no version is installed'
key=$( (echo "$have" | sort && cat image.sh agent.service "$agent") |
	sha256sum | cut -c 1-16)
image=$cache/image-$key
if [ ! -e "$image/root.cpio" ]; then
	mkdir -p "$cache"
	exec 9>"$cache/image.lock"
	flock 9
fi
if [ ! -e "$image/root.cpio" ]; then
	new=$cache/new-image.$$
	trap 'rm -rf "$new"' EXIT
	rm -rf "$cache"/new-image.*
	# Images that no tree has asked for in two days go.
	find "$cache" -maxdepth 1 -name "image-*" -type d -mtime +1 \
		-exec rm -rf {} +
	mkdir "$new"
	make_image
	sync "$new"/*
	mv -T "$new" "$image"
	trap - EXIT
	say "image ready: $(du -sh "$image" | cut -f 1) in $image"
fi
touch "$image"
echo "$image"
