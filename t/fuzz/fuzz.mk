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

.PHONY: fuzz-conf
