# SPDX-License-Identifier: GPL-2.0-only
#
# linux.mk - what runs inside of a Linux guest: its first process, alone in an
# initramfs with a 32-bit program and a module
#
# The kernel is the rig's own, grafted when the test runs: see t/linux/linux.sh.

LINUX_OUT := build/t/linux

ALL_TARGETS += $(LINUX_OUT)/initrd $(LINUX_OUT)/run

$(LINUX_OUT)/init: $(filter-out %/traffic.c,$(wildcard t/linux/*.c))
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -static -o $@ $^ -lpthread

$(LINUX_OUT)/run: t/linux/selftests/run.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -static -o $@ $<

# Both ends of a conversation: see four.t.
ALL_TARGETS += $(LINUX_OUT)/traffic

$(LINUX_OUT)/traffic: t/linux/traffic.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -static -o $@ $^

$(LINUX_OUT)/compat: t/linux/compat.S
	@mkdir -p $(@D)
	$(call say,AS,$@)
	$(Q)$(CC) -m32 -c -o $@.o $<
	$(Q)ld -melf_i386 -o $@ $@.o

# A module for the kernel that the rig boots.
$(LINUX_OUT)/lgirqs.ko: t/linux/module/lgirqs.c t/linux/module/Kbuild build/kdir
	$(call say,KBUILD,$@)
	@mkdir -p $(LINUX_OUT)/module
	@cp -rsf $(CURDIR)/t/linux/module/. $(LINUX_OUT)/module/
	$(Q)$(MAKE) -s -C $(KDIR) M=$(CURDIR)/$(LINUX_OUT)/module modules
	$(Q)cp $(LINUX_OUT)/module/lgirqs.ko $@

# The kernel's orderly_poweroff() runs /sbin/poweroff, which is the same file.
$(LINUX_OUT)/initrd: $(LINUX_OUT)/init $(LINUX_OUT)/compat \
		$(LINUX_OUT)/lgirqs.ko
	$(call say,CPIO,$@)
	@rm -rf $@.d && mkdir -p $@.d/sbin
	@cp $^ $@.d/ && ln $@.d/init $@.d/sbin/poweroff
	$(Q)cd $@.d && find . | cpio --quiet -o -H newc >../$(@F)
