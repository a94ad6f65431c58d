#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See virtio-devices.c.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/virtio-devices.c t/lib/vbus.c t/lib/vdriver.c \
	daemon/virtio/transport.c daemon/virtio/device.c \
	daemon/virtio/state.c daemon/virtio/queue.c daemon/virtio/split.c \
	daemon/virtio/packed.c daemon/virtio/chain.c daemon/virtio/rng.c \
	daemon/virtio/console.c daemon/virtio/balloon.c \
	daemon/guest_mem.c daemon/log.c \
	-Idaemon -Idaemon/virtio -levent -lsystemd -ljansson
