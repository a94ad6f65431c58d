# SPDX-License-Identifier: GPL-2.0-only
#
# guests.mk - guestos's library, the test guests, and the programs that run them
#
# A guest is one file of cases, t/guest/NAME.c, linked with what they all share.
# The programs are static, because they run inside the rig.

GUEST_OUT := build/t/guest
GUEST_FLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie \
	-mno-red-zone -mgeneral-regs-only -mcmodel=small -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fno-toplevel-reorder --param=min-pagesize=0 -Wall -Wextra -Werror -Wshadow -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Ihypervisor/include -Iguestos -It/guest -MMD -MP

GUESTOS_OBJS := $(patsubst guestos/%,$(GUEST_OUT)/guestos/%.o,\
	$(wildcard guestos/*.[cS]))
GUEST_SHARED := test fpu-state event
GUEST_COMMON := $(GUESTOS_OBJS) $(GUEST_SHARED:%=$(GUEST_OUT)/%.c.o) \
	$(GUEST_OUT)/event-entry.S.o
GUEST_NAMES := $(filter-out $(GUEST_SHARED),\
	$(basename $(notdir $(wildcard t/guest/*.c))))
GUEST_ELFS := $(GUEST_NAMES:%=$(GUEST_OUT)/%.elf)
GUEST_PROGRAMS := build/t/lgrun build/t/guest-fuzz build/t/patterns

ALL_TARGETS += $(GUEST_ELFS) $(GUEST_PROGRAMS)

$(GUEST_OUT)/guestos/%.o: guestos/%
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) $(GUEST_FLAGS) $(if $(filter %.S,$<),-D__ASSEMBLY__) -c -o $@ $<

$(GUEST_OUT)/%.c.o: t/guest/%.c
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) $(GUEST_FLAGS) -c -o $@ $<

$(GUEST_OUT)/%.S.o: t/guest/%.S
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) $(GUEST_FLAGS) -D__ASSEMBLY__ -c -o $@ $<

$(GUEST_OUT)/%.elf: $(GUEST_OUT)/%.c.o $(GUEST_COMMON) guestos/guestos.lds
	$(call say,LINK,$@)
	$(Q)$(CC) -static -nostdlib -no-pie -Wl,--build-id=none \
		-Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 \
		-T guestos/guestos.lds -o $@ $(filter %.o,$^)

build/t/lgrun: t/lib/lgrun.c t/lib/vmm.c
build/t/guest-fuzz: t/fuzz/guest-fuzz.c t/fuzz/guest-words.c \
	t/fuzz/guest-events.c t/lib/vmm.c
build/t/patterns: t/lib/patterns.c t/lib/vmm.c $(GUEST_OUT)/patterns.elf
$(GUEST_PROGRAMS): build/t/%:
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -static -o $@ $(filter %.c,$^) -lpthread

.SECONDARY: $(GUEST_COMMON) $(GUEST_NAMES:%=$(GUEST_OUT)/%.c.o)

fuzz: build/t/guest-fuzz build/lg.ko ## Guests that make no sense, until one finds something
	$(Q)t/rig/rig exec -t 1000000 -- build/t/guest-fuzz --forever

.PHONY: fuzz
