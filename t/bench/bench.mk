# SPDX-License-Identifier: GPL-2.0-only
#
# bench.mk - numbers, not verdicts

ALL_TARGETS += build/t/bench/guest.elf build/t/bench/crossing \
	build/t/bench/cr3_plugin.so build/t/bench/kernel.elf

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
	$(Q)$(USER_CC) -static -o $@ $(filter %.c,$^) -lpthread

build/t/bench/cr3_plugin.so: t/bench/cr3_plugin.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -shared -fPIC -o $@ $<

# The daemon's disk and a driver, each in its process; no rig and no guest.
BENCH_BLK := t/bench/blk.c t/bench/blk_host.c t/bench/vhost.c \
	t/lib/vbus.c t/lib/vdriver.c \
	$(wildcard daemon/virtio/*.c) daemon/guest_mem.c daemon/log.c
ALL_TARGETS += build/t/bench/blk

build/t/bench/blk: $(BENCH_BLK) t/bench/blk.h t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(DAEMON_CFLAGS) -Idaemon -Idaemon/virtio -o $@ \
		$(filter %.c,$^) -levent -ljansson -luring -lsystemd -lpthread

# The daemon's network device and a driver, each in its process; no guest.
BENCH_NET := t/bench/net.c t/lib/vbus.c t/lib/vdriver.c \
	$(wildcard daemon/virtio/*.c) daemon/guest_mem.c daemon/log.c
ALL_TARGETS += build/t/bench/net

build/t/bench/net: $(BENCH_NET) t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(DAEMON_CFLAGS) -Idaemon -Idaemon/virtio -o $@ \
		$(filter %.c,$^) -levent -ljansson -luring -lsystemd

# guestos/, with a first thread and a program of ours.
BENCH_OUT := $(KERNEL_OUT)/t/bench
BENCH_KERNEL_OBJS := $(BENCH_OUT)/kernel.c.o $(BENCH_OUT)/program.program.o

$(BENCH_OUT)/kernel.c.o: t/bench/kernel.c
	@mkdir -p $(@D)
	$(call say,KERNEL,$@)
	$(Q)$(CC) $(KERNEL_FLAGS) -c -o $@ $<

$(BENCH_OUT)/program.c.o: t/bench/program.c
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)$(CC) $(PROGRAM_FLAGS) -c -o $@ $<

build/t/bench/kernel.elf: $(BENCH_KERNEL_OBJS) $(KERNEL_OBJS) \
		guestos/kernel/kernel.lds
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(kernel_link)

# What is the first process of a Linux in bench-peers.
ALL_TARGETS += build/t/bench/peers

build/t/bench/peers: t/bench/peers/peers.c t/bench/mark.h t/bench/ops.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -It/bench -static -o $@ $<

bench-peers: all ## Linux natively, as our guest and as Xen's, by instructions
	$(Q)t/bench/peers/run

bench: all ## Count instructions and CR3 writes; see build/bench.json
	$(Q)t/bench/run
.PHONY: bench bench-peers
