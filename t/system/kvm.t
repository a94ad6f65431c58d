#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest of KVM's and one of ours share a CPU.
#
# Both want the MSRs of SYSCALL for themselves, and KVM does not always put the
# host's values back before its thread sleeps; so what lg.ko finds there is not
# the host's alone.  KVM runs inside the rig where the model's CPU has SVM; what
# it does on Intel's is imitated by lgtest.ko, in host-state.t.

. t/system/inside.sh
inside -t 150

modprobe kvm_amd 2>/dev/null
[ -e /dev/kvm ] || skip_all "this model's CPU has no SVM"
exec build/t/system/kvm
