# SPDX-License-Identifier: GPL-2.0-only
#
# system.mk - the host under test: its programs, its guest, its kernel module

SYSTEM_OUT := build/t/system
SYSTEM_NAMES := nmi host life slots calls selectors leak sample kvm spin ram smp move \
	queue pause hand-over eventfd run torture starve
SYSTEM_PROGRAMS := $(SYSTEM_NAMES:%=$(SYSTEM_OUT)/%) build/t/ioctl-fuzz

ALL_TARGETS += build/lgtest.ko $(SYSTEM_OUT)/guest.elf $(SYSTEM_OUT)/smp.elf \
	$(SYSTEM_PROGRAMS)

build/lgtest.ko: t/module/lgtest.c t/module/Kbuild build/kdir
	$(call say,KBUILD,$@)
	@mkdir -p build/module
	@cp -rsf $(CURDIR)/t/module/. build/module/
	$(Q)$(MAKE) -C $(KDIR) M=$(CURDIR)/build/module modules
	$(Q)cp build/module/lgtest.ko $@

$(SYSTEM_OUT)/guest.elf: t/system/guest.c t/system/pattern.S t/system/ops.h \
		$(GUESTOS_OBJS) guestos/guestos.lds
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) $(filter-out -MMD -MP,$(GUEST_FLAGS)) -It/system -static \
		-nostdlib -no-pie -Wl,--build-id=none \
		-Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 \
		-T guestos/guestos.lds -o $@ \
		$(filter t/system/%.c t/system/%.S %.o,$^)

# The one with several vcpus, whose events enter as those of t/guest do.
$(SYSTEM_OUT)/smp.elf: t/system/smp-guest.c t/system/move-guest.c \
		t/system/time-guest.c t/system/torture-guest.c \
		t/system/torture-cases.c t/system/torture.h \
		t/system/smp-guest.h t/system/smp.h \
		$(GUEST_OUT)/event-entry.S.o $(GUESTOS_OBJS) guestos/guestos.lds
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) $(filter-out -MMD -MP,$(GUEST_FLAGS)) -It/system -static \
		-nostdlib -no-pie -Wl,--build-id=none \
		-Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 \
		-T guestos/guestos.lds -o $@ \
		$(filter t/system/%.c %.o,$^)

$(SYSTEM_OUT)/smp $(SYSTEM_OUT)/move $(SYSTEM_OUT)/eventfd \
	$(SYSTEM_OUT)/torture: t/system/crowd.c
$(SYSTEM_OUT)/queue $(SYSTEM_OUT)/pause: t/system/crowd.c t/system/server.c
$(SYSTEM_OUT)/hand-over: t/system/server.c
$(SYSTEM_OUT)/hand-over $(SYSTEM_OUT)/life: t/system/pass.c
$(SYSTEM_NAMES:%=$(SYSTEM_OUT)/%): $(SYSTEM_OUT)/%: t/system/%.c \
		t/system/busy.c t/lib/vmm.c
build/t/system/run: t/lib/parent.c
build/t/ioctl-fuzz: t/fuzz/ioctl.c t/system/busy.c t/lib/vmm.c
$(SYSTEM_PROGRAMS): $(wildcard t/system/*.h t/lib/*.h hypervisor/include/lguest/*.h)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -It/system -static -o $@ $(filter %.c,$^) -lpthread
