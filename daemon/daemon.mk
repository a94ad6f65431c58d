# SPDX-License-Identifier: GPL-2.0-only
#
# daemon.mk - lguestd, lguest-run and lgctl, and the same for tests
#
# build/NAME is what is installed.  build/asan/ has them with the sanitizers, and
# lguestd there talks to t/lib/fake_lgdev.c instead of lg.ko, and starts
# fake-run, a guest that is a script.

DAEMON_PACKAGES := libevent libsystemd jansson yaml-0.1 libseccomp libcap-ng \
	liburing libnl-3.0 libnl-route-3.0 libnftables
DAEMON_CFLAGS := $(shell pkg-config --cflags $(DAEMON_PACKAGES) 2>/dev/null)

CONF_SOURCES := $(wildcard daemon/conf*.c)
LGUESTD_SOURCES := $(wildcard daemon/*.c daemon/virtio/*.c)
RUN_SOURCES := $(wildcard daemon/run/*.c)
LGCTL_SOURCES := $(wildcard daemon/lgctl/*.c) $(CONF_SOURCES)

LGUESTD_LIBS := -levent -lsystemd -ljansson -lyaml -lseccomp -lcap-ng -luring \
	-lnl-route-3 -lnl-3 -lnftables
RUN_LIBS := -lseccomp -lcap-ng -lpthread
LGCTL_LIBS := -levent -ljansson -lyaml

DAEMON_PROGRAMS := $(if $(wildcard daemon/main.c),build/lguestd) \
	$(if $(wildcard daemon/run/main.c),build/lguest-run) \
	$(if $(wildcard daemon/lgctl/main.c),build/lgctl)
ALL_TARGETS += $(DAEMON_PROGRAMS)

daemon_objects = $(patsubst daemon/%.c,build/$(1)/%.o,$(2))

build/lguestd: $(call daemon_objects,daemon,$(LGUESTD_SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) -o $@ $^ $(LGUESTD_LIBS)

build/lguest-run: $(call daemon_objects,daemon,$(RUN_SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) -o $@ $^ $(RUN_LIBS)

build/lgctl: $(call daemon_objects,daemon,$(LGCTL_SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) -o $@ $^ $(LGCTL_LIBS)

build/daemon/%.o: daemon/%.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(DAEMON_CFLAGS) -c -o $@ $<

##### The same under the sanitizers, with lg.ko's place taken by a fake

SAN_FLAGS := -fsanitize=address,undefined -fno-omit-frame-pointer -Og
FAKE := $(if $(wildcard t/lib/fake_lgdev.c),build/asan/fake_lgdev.o)

ASAN_PROGRAMS := $(if $(FAKE),$(DAEMON_PROGRAMS:build/%=build/asan/%) \
	build/asan/fake-run)
ALL_TARGETS += $(ASAN_PROGRAMS)

build/asan/lguestd: $(FAKE) $(filter-out %/lgdev.o,\
		$(call daemon_objects,asan/o,$(LGUESTD_SOURCES)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN_FLAGS) -o $@ $^ $(LGUESTD_LIBS)

build/asan/lguest-run: $(call daemon_objects,asan/o,$(RUN_SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN_FLAGS) -o $@ $^ $(RUN_LIBS)

build/asan/lgctl: $(call daemon_objects,asan/o,$(LGCTL_SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN_FLAGS) -o $@ $^ $(LGCTL_LIBS)

build/asan/fake-run: t/lib/fake_run.c t/lib/fake_lgdev.h t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) -o $@ $<

build/asan/fake_lgdev.o: t/lib/fake_lgdev.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(DAEMON_CFLAGS) $(SAN_FLAGS) -Idaemon -c -o $@ $<

build/asan/o/%.o: daemon/%.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(DAEMON_CFLAGS) $(SAN_FLAGS) -c -o $@ $<

-include $(shell find build/daemon build/asan -name '*.d' 2>/dev/null)
