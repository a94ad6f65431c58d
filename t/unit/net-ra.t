#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See net-ra.c.  With the sanitizers: who asks is hostile.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/net-ra.c t/lib/vbus.c t/lib/vdriver.c daemon/virtio/*.c \
	daemon/guest_mem.c daemon/log.c \
	-Idaemon -Idaemon/virtio -levent -ljansson -luring -lsystemd
