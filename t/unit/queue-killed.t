#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See queue-killed.c.  LG_LONG=1 kills fifty times as many.

. t/lib/c.sh
c_test t/unit/queue-killed.c t/lib/vdriver.c daemon/guest_mem.c \
	daemon/virtio/queue.c daemon/virtio/split.c daemon/virtio/packed.c \
	daemon/virtio/chain.c
