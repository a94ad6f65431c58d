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
# crash.  With linux_stdin=1 what is on stdin is typed there; linux_initrd= is
# another initrd.

. t/lib/tap.sh
. t/lib/rig.sh
. t/lib/kernels.sh

linux_out=build/t/linux
linux_kernel=$linux_out/kernel
linux_limit=${LINUX_LIMIT:-400}	# seconds, on a busy machine

# linux_need - all that is needed is there, or the test ends here
linux_need() {
	rig_need
	unset MAKEFLAGS MAKELEVEL MFLAGS
	make -s build/lguest-graft build/t/osrun $linux_out/initrd ||
		bail_out 'not built'
	linux_image=$(kernel_image "$(kernel_release)") || {
		echo "1..0 # SKIP linux-image-$(kernel_release) cannot be fetched"
		exit
	}
	build/lguest-graft -q -o $linux_kernel -p guestos/linux/port \
		"$linux_image" >/dev/null || bail_out 'not grafted'
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
		-i "${linux_initrd:-$linux_out/initrd}" $linux_kernel "$@"
}

# linux_virtio - an initrd with the modules of our devices and t/linux/virtio.init
linux_virtio() {
	linux_release=$(kernel_release)
	linux_modules=$(kernel_modules "$linux_release") ||
		bail_out 'its modules cannot be fetched'
	make -s build/virtio_lguest.ko || bail_out 'not built'
	linux_tree=$linux_out/virtio.d
	linux_into=$linux_tree/lib/modules/$linux_release
	rm -rf "$linux_tree"
	mkdir -p "$linux_tree/bin" "$linux_into/kernel"
	(cd "$linux_modules" && tar -c modules.* kernel/drivers/virtio \
		kernel/drivers/block/virtio_blk.ko kernel/drivers/net/virtio_net.ko \
		kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko \
		kernel/drivers/char kernel/fs/ext4 kernel/fs/jbd2 \
		kernel/fs/mbcache.ko kernel/lib/crc16.ko \
		kernel/crypto/crc32c_generic.ko) | tar -x -C "$linux_into"
	cp build/virtio_lguest.ko "$linux_into/"
	/sbin/depmod -b "$linux_tree" "$linux_release"
	cp "$(command -v busybox)" "$linux_tree/bin/"
	cp t/linux/virtio.init "$linux_tree/init"
	chmod +x "$linux_tree/init"
	(cd "$linux_tree" && find . | cpio --quiet -o -H newc) >$linux_out/virtio.initrd
}
