#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See disk.c.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/disk.c daemon/virtio/disk.c daemon/virtio/disk_open.c \
	daemon/virtio/limit.c daemon/virtio/uring.c daemon/log.c \
	-Idaemon -levent -luring -lsystemd
