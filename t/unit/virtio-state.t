#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See virtio-state.c.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/virtio-state.c daemon/virtio/state.c daemon/log.c -Idaemon -Idaemon/virtio \
	-Wl,--wrap=fallocate -lsystemd
