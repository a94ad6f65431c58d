# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.mk - the fuzzers that need no rig, with sanitizers

ALL_TARGETS += build/t/conf-fuzz

build/t/conf-fuzz: t/fuzz/conf.c t/lib/starve.c $(CONF_SOURCES) \
	t/lib/starve-flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(SAN_FLAGS) -o $@ $(filter %.c,$^) @t/lib/starve-flags \
		-Wl,-Bstatic -ljansson -lyaml -Wl,-Bdynamic

fuzz-conf: build/t/conf-fuzz ## Configurations that make no sense, until one finds something
	$(Q)build/t/conf-fuzz --forever

# libFuzzer's, which are clang's; its -Werror would be about gcc's flags.
FUZZ_CC := clang -std=gnu11 -O1 -g -Wall -Wextra -Ihypervisor/include \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

VIRTQUEUE := daemon/guest_mem.c $(addprefix daemon/virtio/,queue.c split.c \
	packed.c chain.c)

ALL_TARGETS += build/t/queue-fuzz

build/t/queue-fuzz: t/fuzz/queue.c $(VIRTQUEUE) daemon/virtio/virtio.h \
		daemon/virtio/queue.h daemon/guest_mem.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(FUZZ_CC) -o $@ $(filter %.c,$^)

ALL_TARGETS += build/t/net-fuzz

build/t/net-fuzz: t/fuzz/net.c daemon/virtio/dhcp.c daemon/virtio/ra.c \
		daemon/virtio/net_header.c daemon/virtio/net.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(FUZZ_CC) -o $@ $(filter %.c,$^)

ALL_TARGETS += build/t/devices-fuzz

build/t/devices-fuzz: t/fuzz/devices.c t/lib/vbus.c t/lib/vbus.h $(VIRTQUEUE) \
		$(addprefix daemon/virtio/,transport.c device.c state.c rng.c \
		console.c balloon.c net.c net_header.c net_rx.c stream.c \
		dhcp.c ra.c) daemon/log.c daemon/virtio/virtio.h \
		daemon/virtio/net.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(FUZZ_CC) -It/lib -Idaemon -Idaemon/virtio -o $@ \
		$(filter %.c,$^) -levent -lsystemd -ljansson

fuzz-devices: build/t/devices-fuzz ## Drivers that say anything, until one finds something
	$(Q)t/fuzz/corpus.sh unpack t/fuzz/devices.corpus build/fuzz/devices
	$(Q)build/t/devices-fuzz -max_len=4096 -use_value_profile=1 \
		build/fuzz/devices

fuzz-queue: build/t/queue-fuzz ## Rings in which anything may stand, until one finds something
	$(Q)t/fuzz/corpus.sh unpack t/fuzz/queue.corpus build/fuzz/queue
	$(Q)build/t/queue-fuzz -max_len=4096 -use_value_profile=1 build/fuzz/queue

# A disk with its file and the kernel's ring, so it is slower than most.
BLK_FUZZ := t/fuzz/blk.c t/lib/vbus.c t/lib/vdriver.c daemon/log.c \
	daemon/guest_mem.c $(wildcard daemon/virtio/*.c)
ALL_TARGETS += build/t/blk-fuzz

build/t/blk-fuzz: $(BLK_FUZZ) $(wildcard daemon/virtio/*.h) t/lib/vbus.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(FUZZ_CC) $(DAEMON_CFLAGS) -Idaemon -Idaemon/virtio -It/lib -o $@ \
		$(filter %.c,$^) -levent -ljansson -luring -lsystemd

fuzz-blk: build/t/blk-fuzz ## Disk requests that make no sense, until one finds something
	$(Q)t/fuzz/corpus.sh unpack t/fuzz/blk.corpus build/fuzz/blk
	$(Q)build/t/blk-fuzz -max_len=1024 -len_control=0 build/fuzz/blk

fuzz-net: build/t/net-fuzz ## Frames that make no sense, until one finds something
	$(Q)mkdir -p build/fuzz/net
	$(Q)build/t/net-fuzz -max_len=1600 -use_value_profile=1 build/fuzz/net

.PHONY: fuzz-blk fuzz-conf fuzz-devices fuzz-net fuzz-queue
