# SPDX-License-Identifier: GPL-2.0-only
#
# linux.mk - lguest-graft, which makes guests of distributions' kernels, and the
# module with which they find their devices
#
# The port in port/ is not built here: lguest-graft does, for each kernel.

GRAFT_SOURCES := $(wildcard guestos/linux/*.c)
GRAFT_LIBS := -llzma -lzstd -llz4 -lz

ALL_TARGETS += build/lguest-graft build/asan/lguest-graft

build/lguest-graft: $(GRAFT_SOURCES:guestos/linux/%.c=build/graft/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) -o $@ $^ $(GRAFT_LIBS)

build/asan/lguest-graft: \
		$(GRAFT_SOURCES:guestos/linux/%.c=build/asan/graft/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN_FLAGS) -o $@ $^ $(GRAFT_LIBS)

build/graft/%.o: guestos/linux/%.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -c -o $@ $<

build/asan/graft/%.o: guestos/linux/%.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(SAN_FLAGS) -c -o $@ $<

# What a guest has of us as a module, for the kernel that the rig boots; others
# build it where their guest is made.  Kbuild puts its objects beside the sources,
# so it gets a folder of links, in the shape of our tree.
VIRTIO := guestos/linux/virtio
# (Without types of its own, for which newer headers want pahole.)
define virtio_kbuild
	@rm -rf $(1)
	@mkdir -p $(1)/$(VIRTIO) $(1)/hypervisor
	@cp -rs $(CURDIR)/$(VIRTIO)/. $(1)/$(VIRTIO)/
	@cp -rs $(CURDIR)/hypervisor/include $(1)/hypervisor/
	$(Q)$(MAKE) -s -C $(2) M=$(CURDIR)/$(1)/$(VIRTIO) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
endef

ALL_TARGETS += build/virtio_lguest.ko
build/virtio_lguest.ko: $(wildcard $(VIRTIO)/*) \
		$(wildcard hypervisor/include/lguest/*.h) build/kdir
	$(call say,KBUILD,$@)
	$(call virtio_kbuild,build/module,$(KDIR))
	$(Q)cp build/module/$(VIRTIO)/virtio_lguest.ko $@

# The same for other headers and somewhere else: DIR=, HEADERS=.
.PHONY: virtio-module
virtio-module:
	$(call virtio_kbuild,$(DIR),$(HEADERS))

# Kernels for its tests.
ALL_TARGETS += build/t/made-kernel
build/t/made-kernel: t/lib/made_kernel.c t/lib/made_kernel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -DMADE_KERNEL_PROGRAM -o $@ $< $(GRAFT_LIBS)

-include $(wildcard build/graft/*.d build/asan/graft/*.d)
