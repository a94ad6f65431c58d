#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Linux' own drivers find the devices of a guest, by an ordinary module.

. t/linux/linux.sh
[ -n "${LG_INSIDE:-}" ] || {
	linux_need
	linux_virtio
}
. t/system/inside.sh
. t/lib/lguestd.sh
. t/linux/talk.sh
inside -t 580
lguestd_install
systemctl start lguestd

mkdir "$tmp/files"
head -c 3000000 /dev/urandom >"$tmp/files/first"
truncate -s 32M "$tmp/disk.img"
cat >"$tmp/dev.yaml" <<EOT
name: dev
kernel: $PWD/$linux_kernel
initrd: $PWD/$linux_out/virtio.initrd
cmdline: quiet
memory: 256M
cpus: 2
disks:
- file: $tmp/disk.img
network: local
EOT
run lgctl create "$tmp/dev.yaml"
is "$rc" 0 'create' || diag "$err"
talk_open dev
talk_until 'init: here is a shell'
talk 'ls /sys/bus/platform/devices'
diag "$out"
talk 'modprobe virtio_lguest; ls -l /sys/bus/virtio/devices'
diag "$rc $out"
talk 'modprobe virtio_blk; modprobe virtio_net; modprobe virtio_console; modprobe virtio-rng; modprobe virtio_balloon; modprobe ext4; dmesg | tail -n 30; cat /proc/interrupts'
diag "$rc $out"
diag "$(lgctl info dev)"
talk 'ls /dev/vd* /dev/hvc*; ifconfig -a; head -c 16 /dev/hwrng | od -x'
diag "$rc $out"
talk 'sha256sum /dev/vda'
diag "$rc $out"
talk 'poweroff -f'
done_testing
