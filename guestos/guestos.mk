# SPDX-License-Identifier: GPL-2.0-only
#
# guestos.mk - the kernel, its programs, and the tests that are linked with it
#
# A test is t/kernel/NAME.c, which takes the place of kernel/init.c, and a
# program that tests run is t/kernel/user/NAME.c.

KERNEL_OUT := build/guestos
KERNEL_FLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie \
	-mno-red-zone -mgeneral-regs-only -mcmodel=kernel \
	-fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing \
	--param=min-pagesize=0 -Wall -Wextra -Werror -Wshadow -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-DGUESTOS_KERNEL -Ihypervisor/include -Iguestos -Iguestos/kernel \
	-It/kernel -MMD -MP
PROGRAM_FLAGS := $(filter-out -mcmodel=kernel -mgeneral-regs-only,\
	$(KERNEL_FLAGS)) -mcmodel=small -mno-sse -Iguestos/kernel/user

KERNEL_OBJS := $(patsubst guestos/%,$(KERNEL_OUT)/%.o,guestos/lib.c \
	$(filter-out %/init.c,$(wildcard guestos/kernel/*.[cS])))
PROGRAM_OBJS := $(KERNEL_OUT)/kernel/user/start.S.o \
	$(KERNEL_OUT)/kernel/user/lib.c.o
PROGRAMS := $(patsubst guestos/%.c,$(KERNEL_OUT)/%.program.o,\
	$(filter-out %/lib.c,$(wildcard guestos/kernel/user/*.c)))
TEST_PROGRAMS := $(patsubst %.c,$(KERNEL_OUT)/%.program.o,\
	$(wildcard t/kernel/user/*.c))
TEST_KERNELS := $(patsubst t/kernel/%.c,build/t/kernel/%.elf,\
	$(filter-out t/kernel/test.c,$(wildcard t/kernel/*.c)))

ALL_TARGETS += build/guestos.elf $(TEST_KERNELS)

kernel_link = $(CC) -static -nostdlib -no-pie -Wl,--build-id=none \
	-Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 \
	-Wl,-T,guestos/kernel/kernel.lds -o $@ $(filter %.o,$^)

build/guestos.elf: $(KERNEL_OBJS) $(KERNEL_OUT)/kernel/init.c.o $(PROGRAMS) \
		guestos/kernel/kernel.lds
	$(call say,LINK,$@)
	$(Q)$(kernel_link)

$(TEST_KERNELS): build/t/kernel/%.elf: $(KERNEL_OUT)/t/kernel/%.c.o \
		$(KERNEL_OUT)/t/kernel/test.c.o $(KERNEL_OBJS) $(PROGRAMS) \
		$(TEST_PROGRAMS) guestos/kernel/kernel.lds
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(kernel_link)

$(KERNEL_OUT)/%.program.o: $(KERNEL_OUT)/%.program
	$(Q)printf '%s\n' '.section .rodata' '1: .asciz "$(basename $(@F:.o=))"' \
		'.balign 8' '2: .incbin "$<"' '3:' \
		'.section .programs, "a"' '.quad 1b, 2b, 3b' \
		'.section .note.GNU-stack, "", @progbits' | \
		$(CC) -c -x assembler -o $@ -

$(KERNEL_OUT)/%.program: $(KERNEL_OUT)/%.c.o $(PROGRAM_OBJS)
	$(call say,LINK,$@)
	$(Q)$(CC) -static -nostdlib -no-pie -s -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
		-Wl,-Ttext-segment=0x400000 -o $@ $^

$(KERNEL_OUT)/kernel/user/%.o: guestos/kernel/user/%
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)$(CC) $(PROGRAM_FLAGS) -c -o $@ $<

$(KERNEL_OUT)/t/kernel/user/%.o: t/kernel/user/%
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)$(CC) $(PROGRAM_FLAGS) -c -o $@ $<

$(KERNEL_OUT)/t/kernel/%.o: t/kernel/%
	@mkdir -p $(@D)
	$(call say,KERNEL,$@)
	$(Q)$(CC) $(KERNEL_FLAGS) -c -o $@ $<

$(KERNEL_OUT)/%.o: guestos/%
	@mkdir -p $(@D)
	$(call say,KERNEL,$@)
	$(Q)$(CC) $(KERNEL_FLAGS) $(if $(filter %.S,$<),-D__ASSEMBLY__) \
		-c -o $@ $<

.PRECIOUS: $(KERNEL_OUT)/%.program $(KERNEL_OUT)/%.o \
	$(KERNEL_OUT)/kernel/user/%.o $(KERNEL_OUT)/t/kernel/user/%.o
-include $(shell find $(KERNEL_OUT) -type f -name '*.d' 2>/dev/null)

ALL_TARGETS += build/t/osrun
build/t/osrun: t/lib/osrun.c t/lib/vmm.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -static -o $@ $(filter %.c,$^) -lpthread

native: build/guestos.elf ## Boot our kernel on an emulated machine of its own
	$(Q)qemu-system-x86_64 -accel tcg -cpu max -m 64 -smp 2 -kernel $< \
		-display none -monitor none -serial stdio -net none \
		-no-reboot -append '$(WORDS)'

guest: build/guestos.elf build/t/osrun build/lg.ko ## Boot our kernel under lguest, in the rig
	$(Q)t/rig/rig exec -- build/t/osrun -c 2 $< $(WORDS)

.PHONY: native guest
