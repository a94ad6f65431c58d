# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# linux.sh - Debian's kernel with our port behind it, as a guest in the rig
#
#	#!/bin/sh
#	# What is pinned down.
#	. t/linux/linux.sh
#	linux_need
#	linux_run [options of osrun -- ] [WORD...]
#
# Its first process is t/linux/init.c, which makes checks= and ends as end=
# says.  The console comes on stdout; the status is osrun's: 0 off, 3 reset, 1 a
# crash.  A CPU that gets nowhere for a minute is one, so that it says where it
# is, which "quiet" would hide.  With linux_stdin=1 what is on stdin is typed
# there; linux_initrd= is another initrd.
#
# LINUX_FLAVOUR=cloud-amd64 takes that kernel of Debian's, of the same version;
# LINUX_FLAVOUR=newer the next one.

. t/lib/tap.sh
. t/lib/rig.sh
. t/lib/kernels.sh

linux_out=build/t/linux
linux_kernel=$linux_out/kernel${LINUX_FLAVOUR:+-$LINUX_FLAVOUR}
linux_limit=${LINUX_LIMIT:-400}	# seconds, on a busy machine

# linux_choose - $linux_release and $linux_headers, those of the flavour
linux_choose() {
	linux_release=$(kernel_release)
	case ${LINUX_FLAVOUR:-} in
	'') ;;
	newer) linux_release=$(kernel_newer) || skip_all 'there is no newer kernel' ;;
	*) linux_release=${linux_release%-amd64}-$LINUX_FLAVOUR ;;
	esac
	linux_headers=$(kernel_headers "$linux_release") ||
		skip_all "linux-headers-$linux_release cannot be fetched"
}

# linux_has OPTION - y or m, or nothing: that it was built with that
linux_has() {
	sed -n "s/^CONFIG_$1=//p" "$linux_headers/include/config/auto.conf"
}

# linux_need - all that is needed is there, or the test ends here
linux_need() {
	rig_need
	unset MAKEFLAGS MAKELEVEL MFLAGS
	linux_choose
	make -s build/lguest-graft build/t/osrun $linux_out/initrd ||
		bail_out 'not built'
	linux_image=$(kernel_image "$linux_release") ||
		skip_all "linux-image-$linux_release cannot be fetched"
	build/lguest-graft -q -o "$linux_kernel" -p guestos/linux/port \
		-k "$linux_headers" "$linux_image" >/dev/null ||
		bail_out 'not grafted'
}

# linux_run [-c CPUS] [-m MIB] -- [WORD...] - the console; osrun's status
linux_run() {
	linux_options=
	while [ "$1" != -- ]; do
		linux_options="$linux_options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # they are words
	rig_exec ${linux_stdin:+-i} -m "${LG_MODEL:-amd}" -t "$linux_limit" -- build/t/osrun \
		-m 256 -t "${linux_limit}000" $linux_options \
		-i "${linux_initrd:-$linux_out/initrd}" "$linux_kernel" \
		watchdog_thresh=30 softlockup_panic=1 "$@"
}

# linux_module FOLDER - put virtio_lguest.ko there, as the kernel wants it
linux_module() {
	if [ -z "${LINUX_FLAVOUR:-}" ]; then
		make -s build/virtio_lguest.ko && cp build/virtio_lguest.ko "$1/"
	else
		make -s virtio-module DIR="$linux_kernel.module" \
			HEADERS="$linux_headers" &&
			cp "$linux_kernel.module/guestos/linux/virtio/virtio_lguest.ko" "$1/"
	fi
}

# linux_virtio - an initrd with the modules of our devices and t/linux/virtio.init
linux_virtio() {
	linux_modules=$(kernel_modules "$linux_release") ||
		bail_out 'its modules cannot be fetched'
	linux_tree=$linux_kernel.virtio.d
	linux_into=$linux_tree/lib/modules/$linux_release
	rm -rf "$linux_tree"
	mkdir -p "$linux_tree/bin" "$linux_into/kernel"
	# Whatever of it a flavour has built in is no file.
	(cd "$linux_modules" && tar -c modules.* kernel/drivers/virtio \
		kernel/drivers/block/virtio_blk.ko* kernel/drivers/net/virtio_net.ko* \
		kernel/drivers/net/net_failover.ko* kernel/net/core/failover.ko* \
		kernel/drivers/char kernel/fs/ext4 kernel/fs/jbd2 \
		kernel/fs/mbcache.ko* kernel/lib/crc16.ko* \
		kernel/crypto/crc32c_generic.ko* 2>/dev/null) |
		tar -x -C "$linux_into"
	find "$linux_into" -name '*.ko.xz' -exec unxz {} +
	linux_module "$linux_into" || bail_out 'virtio_lguest.ko is not built'
	/sbin/depmod -b "$linux_tree" "$linux_release"
	cp "$(command -v busybox)" "$linux_tree/bin/"
	cp t/linux/virtio.init "$linux_tree/init"
	chmod +x "$linux_tree/init"
	(cd "$linux_tree" && find . | cpio --quiet -o -H newc) >"$linux_kernel.virtio"
}
