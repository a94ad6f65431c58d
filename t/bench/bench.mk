# SPDX-License-Identifier: GPL-2.0-only
#
# bench.mk - numbers, not verdicts

ALL_TARGETS += build/t/bench/guest.elf build/t/bench/crossing \
	build/t/bench/cr3_plugin.so

build/t/bench/guest.o: t/bench/guest.c
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) $(GUEST_FLAGS) -It/bench -c -o $@ $<

build/t/bench/guest.elf: build/t/bench/guest.o $(GUESTOS_OBJS) \
		guestos/guestos.lds
	$(call say,LINK,$@)
	$(Q)$(CC) -static -nostdlib -no-pie -Wl,--build-id=none \
		-Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 \
		-T guestos/guestos.lds -o $@ $(filter %.o,$^)

build/t/bench/crossing: t/bench/crossing.c t/lib/vmm.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -static -o $@ $(filter %.c,$^)

build/t/bench/cr3_plugin.so: t/bench/cr3_plugin.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -shared -fPIC -o $@ $<

bench: all ## Count instructions and CR3 writes; see build/bench.json
	$(Q)t/bench/run
.PHONY: bench
