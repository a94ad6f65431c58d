#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See net-stream.c.  With the sanitizers: nobody at either end is trusted.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/net-stream.c t/lib/vbus.c t/lib/vdriver.c daemon/virtio/*.c \
	daemon/guest_mem.c daemon/log.c \
	-Idaemon -Idaemon/virtio -levent -ljansson -luring -lsystemd
