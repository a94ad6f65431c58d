# SPDX-License-Identifier: GPL-2.0-only
#
# control.mk - an lguestd that valgrind can look at
#
# As build/asan/lguestd it has a fake lg.ko, and no sanitizers.

ifneq ($(FAKE),)
ALL_TARGETS += build/t/daemon/lguestd

build/t/daemon/lguestd: build/t/daemon/fake_lgdev.o $(filter-out %/lgdev.o,\
		$(call daemon_objects,daemon,$(LGUESTD_SOURCES)))
	$(call say,LINK,$@)
	$(Q)$(CC) -o $@ $^ $(LGUESTD_LIBS)

build/t/daemon/fake_lgdev.o: t/lib/fake_lgdev.c t/lib/cflags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(USER_CC) $(DAEMON_CFLAGS) -Idaemon -c -o $@ $<
endif
