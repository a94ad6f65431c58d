# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# xen.sh - Xen 4.17 as Debian has it, and a dom0 that is one initramfs
#
# Packages are fetched once, into a folder of the user's cache; nothing is
# installed.  dom0 has Xen's tools with the libraries that they want, busybox for
# the rest, and one script, dom0, which is its first process.
#
#	xen_dom0 FOLDER RELEASE VMLINUX WORDS
#
# makes FOLDER/xen.elf and FOLDER/dom0.cpio, whose guest has FOLDER/initrd and the
# words.  The caller has packed(), and has built the programs.

xen_packages='xen-hypervisor-4.17-amd64 xen-utils-4.17 libxencall1
	libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1
	libxenhypfs1 libxenmisc4.17 libxenstore4 libxentoolcore1 libxentoollog1
	libyajl2'
xen_programs='xl xenstored xenconsoled xen-init-dom0'
xen_modules='xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs'

# xen_fetch RELEASE - the folder of all that is unpacked, whole or not at all
xen_fetch() (
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/lguest-kernels
	if [ ! -e "$cache/xen-$1" ]; then
		mkdir -p "$cache/new.$$/root" && cd "$cache/new.$$" || exit
		# shellcheck disable=SC2086 # they are words
		apt-get download -q -o APT::Sandbox::User=root $xen_packages \
			"linux-image-$1" >&2 || exit
		for package in ./*.deb; do
			case $package in
			./linux-image*)
				dpkg-deb --fsys-tarfile "$package" |
					tar -x -C root --wildcards './lib/modules/*/kernel/drivers/xen/*'
				;;
			*) dpkg -x "$package" root ;;
			esac || exit
		done
		mv -T root "$cache/xen-$1"
		cd "$cache" && rm -rf "$cache/new.$$"
	fi
	echo "$cache/xen-$1"
)

# xen_libraries PROGRAM... - what they want, of Xen's and of this machine's
xen_libraries() {
	for program in "$@"; do
		LD_LIBRARY_PATH=$xen_lib ldd "$program"
	done | sed -n 's,.*=> \(/[^ ]*\) (.*,\1,p' | sort -u
	# For threads that end; it is opened by name, and ldd does not see it.
	ldconfig -p | sed -n 's,.*libgcc_s.so.1 .*x86-64.*=> ,,p' | head -n 1
}

xen_dom0() {
	xen_root=$(xen_fetch "$2") || {
		echo "xen.sh: Xen's packages are not to be had" >&2
		return 1
	}
	xen_lib=$xen_root/usr/lib/x86_64-linux-gnu
	xen_bin=$xen_root/usr/lib/xen-4.17/bin
	zcat "$xen_root/boot/xen-4.17-amd64.gz" >"$1/xen.elf"
	xen_tree=$1/dom0.d
	mkdir -p "$xen_tree/bin" "$xen_tree/sbin" "$xen_tree/lib" \
		"$xen_tree/lib64" "$xen_tree/dev" "$xen_tree/etc/xen" \
		"$xen_tree/boot"
	cp "$(command -v busybox)" "$xen_tree/bin/"
	for name in sh mount mkdir insmod sleep grep tail reboot; do
		ln -s busybox "$xen_tree/bin/$name"
	done
	for name in $xen_programs; do
		cp "$xen_bin/$name" "$xen_tree/sbin/"
		xen_libraries "$xen_bin/$name"
	done | sort -u | xargs cp -L -t "$xen_tree/lib"
	cp -L /lib64/ld-linux-x86-64.so.2 "$xen_tree/lib64/"
	for name in $xen_modules; do
		find "$xen_root/lib/modules" -name "$name.ko" \
			-exec cp {} "$xen_tree/lib/" \;
	done
	cp t/bench/peers/dom0 "$xen_tree/sbin/"
	cp build/t/bench/peers "$xen_tree/bin/"
	cp "$1/initrd" "$3" "$xen_tree/boot/"
	# As large as ours, and its counter the processor's own.
	cat >"$xen_tree/etc/xen/domu.cfg" <<-END
		name = "peers"
		kernel = "/boot/vmlinux"
		ramdisk = "/boot/initrd"
		memory = 256
		vcpus = 1
		tsc_mode = "native"
		cmdline = "console=hvc0 $4"
		on_poweroff = "destroy"
		on_reboot = "destroy"
		on_crash = "destroy"
	END
	: >"$xen_tree/etc/xen/xl.conf"
	packed "$xen_tree" "$1/dom0.cpio"
}
