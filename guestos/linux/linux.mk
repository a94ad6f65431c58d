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
ALL_TARGETS += build/virtio_lguest.ko
build/virtio_lguest.ko: $(wildcard $(VIRTIO)/*) \
		$(wildcard hypervisor/include/lguest/*.h) build/kdir
	$(call say,KBUILD,$@)
	@rm -rf build/module
	@mkdir -p build/module/$(VIRTIO) build/module/hypervisor
	@cp -rs $(CURDIR)/$(VIRTIO)/. build/module/$(VIRTIO)/
	@cp -rs $(CURDIR)/hypervisor/include build/module/hypervisor/
	$(Q)$(MAKE) -s -C $(KDIR) M=$(CURDIR)/build/module/$(VIRTIO) modules
	$(Q)cp build/module/$(VIRTIO)/virtio_lguest.ko $@

# Kernels for its tests.
ALL_TARGETS += build/t/made-kernel
build/t/made-kernel: t/lib/made_kernel.c t/lib/made_kernel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -DMADE_KERNEL_PROGRAM -o $@ $< $(GRAFT_LIBS)

-include $(wildcard build/graft/*.d build/asan/graft/*.d)
