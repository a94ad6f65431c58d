#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Four CPUs of a guest go and come while programs run on them: see cpus.c.
#
# boot.t has the same with two.  The host has two itself, so that they are kept
# waiting, too.

export LINUX_CPUS=4 LINUX_CHECKS=cpus
exec t/linux/boot.t
