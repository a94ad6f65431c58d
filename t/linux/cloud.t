#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's kernel for clouds is a guest as well as the one for servers.
#
# It is built from the same sources with other words: no machine checks, ext4 in
# the kernel itself, other addresses, another packing.  So all that is tried on the
# one is tried on it, and, for LG_ALL=1, with its devices.
#
# Its headers are not to be installed for that: they and its image are fetched.

export LINUX_FLAVOUR=cloud-amd64
exec t/linux/boot.t
