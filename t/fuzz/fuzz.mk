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

ALL_TARGETS += build/t/net-fuzz

build/t/net-fuzz: t/fuzz/net.c daemon/virtio/dhcp.c \
		daemon/virtio/net_header.c daemon/virtio/net.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(FUZZ_CC) -o $@ $(filter %.c,$^)

fuzz-net: build/t/net-fuzz ## Frames that make no sense, until one finds something
	$(Q)mkdir -p build/fuzz/net
	$(Q)build/t/net-fuzz -max_len=1600 -use_value_profile=1 build/fuzz/net

.PHONY: fuzz-net fuzz-conf
