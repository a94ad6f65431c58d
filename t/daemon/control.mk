# SPDX-License-Identifier: GPL-2.0-only
#
# control.mk - lguestd with guests that are no guests, and clients to abuse it
#
# Everything of the control plane is the real thing, with the sanitizers; vm.c
# and what is below it is fake_vm.c.

CONTROL := main autostart notify sandbox log ctl listen message request wait \
	shutdown $(notdir $(basename $(CONF_SOURCES)))
CONTROL_PROGRAMS := build/t/daemon/lguestd build/t/daemon/peer
ALL_TARGETS += $(CONTROL_PROGRAMS)

build/t/daemon/lguestd: $(CONTROL:%=build/asan/o/%.o) build/t/daemon/fake_vm.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN_FLAGS) -o $@ $^ $(LGUESTD_LIBS)

build/t/daemon/fake_vm.o: t/daemon/fake_vm.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(DAEMON_CFLAGS) $(SAN_FLAGS) -Idaemon -c -o $@ $<

build/t/daemon/peer: t/daemon/peer.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -o $@ $<
