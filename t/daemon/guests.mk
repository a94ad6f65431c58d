# SPDX-License-Identifier: GPL-2.0-only
#
# guests.mk - tests that have the half of lguestd inside which owns guests
#
# All of build/asan/lguestd but what serves clients.

INSIDE_NAMES := life watch scarce devices
INSIDE_PROGRAMS := $(INSIDE_NAMES:%=build/t/daemon/%)
INSIDE_OBJECTS := $(filter-out %/lgdev.o %/main.o %/autostart.o %/notify.o \
	%/sandbox.o %/ctl.o %/listen.o %/message.o %/request.o %/wait.o \
	%/shutdown.o,$(call daemon_objects,asan/o,$(LGUESTD_SOURCES)))
ALL_TARGETS += $(INSIDE_PROGRAMS)

$(INSIDE_PROGRAMS): build/t/daemon/%: t/daemon/%.c t/daemon/inside.c \
		t/daemon/inside.h $(INSIDE_OBJECTS) $(FAKE) | build/asan/fake-run
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(filter-out -MMD -MP,$(USER_CC)) $(DAEMON_CFLAGS) $(SAN_FLAGS) \
		-Idaemon -It/daemon -o $@ $(filter %.c %.o,$^) $(LGUESTD_LIBS)

# The daemon as a process, and systemd's part played by t/lib/fdstore.c.
OUTSIDE_NAMES := storm adopt
OUTSIDE_PROGRAMS := $(OUTSIDE_NAMES:%=build/t/daemon/%)
ALL_TARGETS += $(OUTSIDE_PROGRAMS)

$(OUTSIDE_PROGRAMS): build/t/daemon/%: t/daemon/%.c t/daemon/client.c \
		t/lib/fdstore.c t/daemon/client.h t/lib/fdstore.h \
		| build/asan/lguestd build/asan/fake-run
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(filter-out -MMD -MP,$(USER_CC)) -It/daemon -o $@ \
		$(filter %.c,$^) -ljansson
