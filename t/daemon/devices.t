#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest has the devices of its configuration, and lgctl hears how they are.
#
# One that is driven wrongly needs a reset and says why; others, and the guest,
# go on.  Devices come and go.  A guest whose watchdog is not petted has hung.
# See devices.c.

. t/lib/tap.sh

make -s build/t/daemon/devices >&2 || bail_out 'devices is not built'
exec build/t/daemon/devices
