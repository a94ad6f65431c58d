#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The devices of a guest on Debian's kernel for clouds, by its own modules.

[ -n "${LG_ALL:-}${LG_INSIDE:-}" ] || {
	echo '1..0 # SKIP it is virtio.t again; LG_ALL=1, or make check-linux'
	exit
}
export LINUX_FLAVOUR=cloud-amd64
exec t/linux/virtio.t
