#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# See queue-broken.c.  With the sanitizers: what it reads is a guest's.

. t/lib/c.sh
# shellcheck disable=SC2034 # it is c.sh's
SAN=1
c_test t/unit/queue-broken.c t/lib/vdriver.c daemon/guest_mem.c \
	daemon/virtio/queue.c daemon/virtio/split.c daemon/virtio/packed.c \
	daemon/virtio/chain.c
