# SPDX-License-Identifier: GPL-2.0-only
#
# linux.mk - lguest-graft, which makes guests of distributions' kernels
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

# Kernels for its tests.
ALL_TARGETS += build/t/made-kernel
build/t/made-kernel: t/lib/made_kernel.c t/lib/made_kernel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -DMADE_KERNEL_PROGRAM -o $@ $< $(GRAFT_LIBS)

-include $(wildcard build/graft/*.d build/asan/graft/*.d)
