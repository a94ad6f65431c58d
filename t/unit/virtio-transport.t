#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See virtio-transport.c.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/virtio-transport.c t/lib/vbus.c daemon/virtio/transport.c \
	daemon/virtio/device.c daemon/virtio/state.c daemon/guest_mem.c \
	daemon/log.c -Idaemon -Idaemon/virtio -levent -lsystemd
