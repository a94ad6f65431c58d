#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Two hundred VMs leave no page behind.
#
# A VM is a state page, a run page, shadow tables, FPU state and references on
# RAM.  One page of that kept by mistake is nothing, until a host has run for a
# year.  What counts is free memory, so that it does not matter what it was.

. t/system/inside.sh
inside -t 120

exec build/t/system/leak
