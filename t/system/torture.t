#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What one vcpu does to the page tables, another sees when it was told to look.
#
# The usual tables change under the one who uses them: another CPU makes a large
# page of a table, takes a right away, moves a page and uses the frame for
# something else.  All that the hypervisor remembers of the old ones must be gone
# when the flush has returned, or a guest's process reads another's page; and if
# what it remembers is a page it has let go of since, another guest's.
#
# build/t/system/torture SEED ROUNDS is the same with other chances.

. t/system/inside.sh
inside -t 600

exec build/t/system/torture
