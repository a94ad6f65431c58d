#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What is the host's stays the host's: breakpoints, mappings, MSRs.
#
# Smoke, not singlestep: control registers and MSRs are what CPUs differ in most.
#
# The host and its other users keep things in the CPU that a guest replaces
# while it runs.  A breakpoint of the host must neither go off in a guest, where
# the address means something else, nor be lost.  A kernel mapping that changes
# while a guest with CR4.PGE off comes and goes must be new for every process.
# And KVM leaves its guest's values in the MSRs of SYSCALL until a thread
# returns to user space, so what we find there when we come is not always
# Linux's own.  Once we kept such values and put them back when we went; but
# KVM may undo them by an interrupt in between, and then they stayed for good.
# So our thread has to go by user space before its guest runs.

. t/system/inside.sh
inside -t 120

insmod build/lgtest.ko || bail_out 'lgtest.ko cannot be loaded'
# With rseq, glibc's way to learn of it, each preemption is a return to user
# space, where other values than Linux's are never live.
GLIBC_TUNABLES=glibc.pthread.rseq=0 exec build/t/system/host
