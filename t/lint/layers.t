#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nobody includes what the plan does not let him see.
#
# One line per room: the files in it, the headers of ours they may name, and the
# system's (a star: any).  A file belongs to the first line that fits.  The table
# is that of the whole plan, so that a room has its walls before anyone moves in.
# The wall that matters most: lg.ko cannot know what a disk is, for it never sees
# lguest/virtio.h.

. t/lib/lint.sh

rooms='
hypervisor/include/lguest/*.h : - : linux/types.h linux/ioctl.h
hypervisor/guest_walk.[ch] : guest_walk.h lguest/guest.h : linux/types.h linux/errno.h errno.h stdbool.h stddef.h
hypervisor/descriptor.h : - : linux/types.h
hypervisor/*.[chS] : lg.h descriptor.h layout.h switcher.h trace.h fail.h guest_walk.h lguest/ioctl.h lguest/guest.h : *
daemon/virtio/*.[ch] : virtio.h queue.h ../guest_mem.h ../log.h lguest/virtio.h disk.h blk.h net.h : *
daemon/lgctl/*.[ch] : lgctl.h doctor.h ../proto.h ../conf.h lguest/ioctl.h : *
daemon/run/*.[ch] : run.h lguest/ioctl.h lguest/guest.h : *
daemon/conf*.[ch] : conf.h conf_schema.h : *
daemon/guest_mem.[ch] : guest_mem.h : *
daemon/log.[ch] : log.h : *
daemon/proto.h : - : *
daemon/*.[ch] : lguestd.h vm.h conf.h proto.h log.h guest_mem.h virtio/virtio.h virtio/disk.h lguest/ioctl.h lguest/guest.h lguest/virtio.h network.h virtio/net.h virtio/blk.h : *
guestos/linux/port/*.[chS] : port.h graft.h lguest/guest.h lguest/virtio.h : *
guestos/linux/virtio/*.[chS] : virtio_lguest.h lguest/guest.h lguest/virtio.h : *
guestos/linux/*.[ch] : tool.h port/graft.h : *
guestos/kernel/user/*.[chS] : user.h abi.h : -
guestos/kernel/lguest*.[chS] : kernel.h pv_ops.h lguest.h hypercall.h lguest/guest.h lguest/virtio.h : -
guestos/kernel/virtio.c : virtio.h lguest/virtio.h : -
guestos/kernel/*.[chS] : virtio.h kernel.h machine.h pv_ops.h native.h abi.h guestos.h : -
guestos/*.[chS] : guestos.h hypercall.h lguest/guest.h lguest/virtio.h : -
'

# room_of FILE - sets $ours and $system to what FILE may include
room_of() {
	while IFS=: read -r pattern ours system; do
		[ "${1%/*}" = "${pattern%/*}" ] || continue
		# shellcheck disable=SC2254 # it is a pattern
		case $1 in ${pattern% }) return 0 ;; esac
	done <<-EOT
		${rooms#?}
	EOT
	return 1
}

# breaches FILE - what FILE includes beyond that
breaches() {
	sed -n 's/^[ \t]*#[ \t]*include[ \t]*\([<"]\)\([^>"]*\).*/\1\2/p' "$1" |
		while read -r header; do
			case $header in
			'"'* | '<lguest/'*) may=$ours ;;
			*) may=$system ;;
			esac
			case "$may " in
			' * ' | *" ${header#?} "*) ;;
			*) echo "$1 includes ${header#?}" ;;
			esac
		done
}

# strays - files of the three programs that the table forgot
strays() {
	programs | while read -r file; do
		room_of "$file" || echo "$file"
	done
}

# breakers - every include that climbs over a wall
breakers() {
	programs | while read -r file; do
		room_of "$file" && breaches "$file"
	done
}

programs() {
	sources '*.[chS]' | grep -E '^(hypervisor|daemon|guestos)/'
}

plan 2
clean "$(strays)" 'every source file has a room in the table'
clean "$(breakers)" 'every file includes only what its room may see'
