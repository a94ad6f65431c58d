# SPDX-License-Identifier: GPL-2.0-only
#
# bochs.mk - the test guests on another emulator's CPUs; see t/bochs/check

build/t/pge: t/bochs/pge.c t/lib/vmm.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -static -o $@ $(filter %.c,$^) -lpthread

ALL_TARGETS += build/t/pge
