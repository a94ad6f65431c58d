# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# debian.sh - guests on disks of lguest-debian's, and coming into them by ssh
#
#	. t/linux/debian.sh
#	debian_need FOLDER      outside: build/rig/out/FOLDER has kernel, initrd and
#	                        disk, or the test ends here
#	debian_keys FOLDER      inside: from now on ...
#	debian ADDRESS CMD...   root there does it
#
# The rig has no ssh of its own; that of the machine outside will do.

debian_need() {
	rig_need
	debian_key=build/t/linux/$1.key
	mkdir -p build/t/linux
	[ -e "$debian_key" ] ||
		ssh-keygen -q -t ed25519 -N '' -f "$debian_key" || bail_out 'no key'
	guestos/linux/debian/lguest-debian -f -k "$debian_key.pub" \
		-o "build/rig/out/$1" >/dev/null || bail_out 'no Debian'
}

debian_keys() {
	debian_key=build/t/linux/$1.key
	mkdir -p /host
	mount -t 9p -o trans=virtio,version=9p2000.L,ro host /host
}

debian_ssh() {
	LD_LIBRARY_PATH=/host/usr/lib/x86_64-linux-gnu /host/usr/bin/ssh \
		-F none -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		-o StrictHostKeyChecking=no -o BatchMode=yes -o ConnectTimeout=60 "$@"
}

debian() {
	debian_at=$1
	shift
	debian_ssh -i "$debian_key" "root@$debian_at" "$@"
}
