#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh - put lguest where systemd, modprobe and people look for it
#
#	systemd/install.sh install|uninstall|list
#
# `make install` calls it with everything built; DESTDIR, PREFIX and KDIR come
# from there.  One table says what goes where, and uninstalling reads the same
# one, so that the two cannot disagree.
#
# Must never happen: somebody's edited configuration is overwritten or removed.
# What we ship is kept under share/lguest as well; a file in /etc that differs
# from that has been edited, stays, and gets ours put beside it as NAME.new.

set -eu
cd "$(dirname "$0")/.."

prefix=${PREFIX:-/usr}
dest=${DESTDIR:-}
# What `uname -r` says there; Debian's kernel.release is another number.
kver=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' \
	"$KDIR/include/generated/utsrelease.h")
lib=$prefix/lib
share=$prefix/share
samples=$share/lguest/config

# table - every file: mode, kind, source, and where it goes.  A file is copied
# (f), has its paths made those of PREFIX (p), or is somebody's to edit, too (c).
table() {
	cat <<-END
		755 f build/lguestd $prefix/sbin/lguestd
		755 f build/lgctl $prefix/bin/lgctl
		755 f build/lguest-run $lib/lguest/lguest-run
		755 f build/lguest-graft $prefix/sbin/lguest-graft
		755 p guestos/linux/debian/lguest-debian $prefix/sbin/lguest-debian
		644 f guestos/linux/debian/modules $lib/lguest/linux/debian/modules
		755 f guestos/linux/debian/customize $lib/lguest/linux/debian/customize
		755 f guestos/linux/debian/hook $lib/lguest/linux/debian/hook
		644 f build/guestos.elf $lib/lguest/guestos.elf
		644 f build/lg.ko /usr/lib/modules/$kver/updates/lg.ko
		644 p systemd/lguestd.service $lib/systemd/system/lguestd.service
		644 p systemd/lguestd.socket $lib/systemd/system/lguestd.socket
		644 p systemd/lguest@.service $lib/systemd/system/lguest@.service
		644 f systemd/lguestd.sysusers $lib/sysusers.d/lguest.conf
		644 f systemd/lguestd.tmpfiles $lib/tmpfiles.d/lguest.conf
		644 f config/60-lguest.rules $lib/udev/rules.d/60-lguest.rules
		644 f config/modules-load.conf $lib/modules-load.d/lguest.conf
		755 p guestos/linux/postinst.d/lguest /etc/kernel/postinst.d/lguest
		755 p guestos/linux/postinst.d/lguest /etc/kernel/header_postinst.d/lguest
		755 p guestos/linux/postrm.d/lguest /etc/kernel/postrm.d/lguest
		644 f daemon/lgctl/completion.bash $share/bash-completion/completions/lgctl
	END
	for file in config/*.yaml config/guests/*.yaml; do
		echo "644 c $file /etc/lguest/${file#config/}"
		echo "644 p $file $samples/${file#config/}"
	done
	for file in hypervisor/include/lguest/*.h; do
		echo "644 f $file $prefix/include/lguest/${file##*/}"
	done
	for file in guestos/linux/port/* guestos/linux/virtio/*; do
		echo "644 f $file $lib/lguest/linux/${file#guestos/linux/}"
	done
	for file in daemon/*.[1-8] daemon/*/*.[1-8] config/*.[1-8] \
		guestos/linux/*.[1-8] guestos/linux/debian/*.[1-8]; do
		[ ! -e "$file" ] ||
			echo "644 f $file $share/man/man${file##*.}/${file##*/}"
	done
}

# Folders that are ours alone, inner ones first; the last thing to go.
folders="$lib/lguest/linux/port $lib/lguest/linux/virtio
	$lib/lguest/linux/debian $lib/lguest/linux $lib/lguest
	$prefix/include/lguest $samples/guests $samples
	$share/lguest /etc/lguest/guests /etc/lguest/guests.d /etc/lguest"

say() {
	printf '  %-8s%s\n' "$1" "$2"
}

# put MODE SOURCE TARGET - whole or not at all, whoever looks meanwhile
put() {
	install -D -m "$1" "$2" "$3.new~"
	mv -T "$3.new~" "$3"
}

# with_paths SOURCE - to $tmp, with the paths in it made those of PREFIX
with_paths() {
	sed -E "s,/usr/(s?bin|lib)/l,$prefix/\\1/l,g" "$1" >"$tmp"
	[ "$prefix" != /usr ] || return 0
	# Where lguestd looks for its other half, unless told.
	sed -i "s,^ExecStart=.*/lguestd\$,Environment=LGUEST_RUN=$lib/lguest/lguest-run\n&," \
		"$tmp"
}

# sample_of SOURCE - its copy of the last time, which tells edited from ours
sample_of() {
	echo "$dest$samples/${1#config/}"
}

# put_config MODE SAMPLE TARGET - $tmp, where that hurts nobody
put_config() {
	if [ ! -e "$3" ] || { [ -e "$2" ] && cmp -s "$3" "$2"; }; then
		put "$1" "$tmp" "$3"
	elif ! cmp -s "$tmp" "$3" && ! cmp -s "$tmp" "$2"; then
		put "$1" "$tmp" "$3.new"
		say KEPT "$3, which was edited; ours is $3.new"
	fi
}

install_all() {
	tmp=$(mktemp)
	trap 'rm -f "$tmp"' EXIT
	table | while read -r mode kind source target; do
		[ -e "$source" ] || {
			echo "install: $source: not built, try make all" >&2
			exit 1
		}
		case $kind in
		f) put "$mode" "$source" "$dest$target" ;;
		p) with_paths "$source" && put "$mode" "$tmp" "$dest$target" ;;
		c) with_paths "$source" &&
			put_config "$mode" "$(sample_of "$source")" "$dest$target" ;;
		esac
		say INSTALL "$dest$target"
	done
	install -d "$dest/etc/lguest/guests.d"
	[ -z "$dest" ] || return 0
	say DEPMOD "$kver"
	depmod "$kver"
	advise
}

advise() {
	[ "$kver" = "$(uname -r)" ] ||
		echo "The module is for $kver; the kernel that runs is $(uname -r)."
	cat <<-END

		Next, as root:
		  systemd-sysusers lguest.conf && systemd-tmpfiles --create lguest.conf
		  udevadm control --reload; systemctl daemon-reload
		  systemctl enable --now lguestd.socket
		  lgctl doctor

		After an upgrade, "systemctl restart lguestd": guests go on.
		Whoever shall use guests: "adduser NAME lguest".
	END
}

uninstall_all() {
	table | while read -r _ kind source target; do
		file=$dest$target
		if [ "$kind" = c ]; then
			ours=$(sample_of "$source")
			cmp -s "$file" "$ours" || [ ! -e "$file" ] || {
				say KEPT "$file, which was edited"
				file=
			}
			rm -f "$dest$target.new"
		fi
		[ -z "$file" ] || [ ! -e "$file" ] || {
			rm -f "$file"
			say REMOVE "$file"
		}
	done
	for folder in $folders; do
		rmdir "$dest$folder" 2>/dev/null || :
	done
	[ -z "$dest" ] || return 0
	say DEPMOD "$kver"
	depmod "$kver"
	echo 'Guests, logs and users are left: /var/lib/lguest, /var/log/lguest.'
}

case ${1:-} in
install) install_all ;;
uninstall) uninstall_all ;;
list) table | cut -d ' ' -f 4 ;;
*) echo 'usage: install.sh install|uninstall|list' >&2 && exit 2 ;;
esac
