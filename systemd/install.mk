# SPDX-License-Identifier: GPL-2.0-only
#
# install.mk - installing, here, into DESTDIR, or into a tree for the rig
#
# build/stage is an installed lguest that the rig's machines copy over their own
# files: see t/lib/lguestd.sh.

INSTALLED := build/lg.ko build/guestos.elf build/lguest-graft $(DAEMON_PROGRAMS)
STAGED := $(shell find systemd config guestos/linux/p* guestos/linux/virtio \
	guestos/linux/debian -type f) daemon/lgctl/completion.bash \
	$(wildcard hypervisor/include/lguest/*.h) \
	$(wildcard $(foreach s,1 5 7 8,daemon/*.$(s) daemon/*/*.$(s) \
	guestos/linux/*.$(s)))

installer = DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' KDIR='$(KDIR)' \
	systemd/install.sh

install: $(INSTALLED) ## Install everything (DESTDIR=, PREFIX=/usr)
	$(Q)$(installer) install

uninstall: ## Remove what install put there, edited configuration excepted
	$(Q)$(installer) uninstall

build/stage: $(INSTALLED) $(STAGED)
	$(call say,STAGE,$@)
	$(Q)rm -rf $@ && mkdir -p $@
	$(Q)$(MAKE) -s install DESTDIR=$(CURDIR)/$@ PREFIX=/usr >$@.log
	$(Q)touch $@

# Whole or not at all: a program that is not there yet cannot be staged.
ALL_TARGETS += $(if $(filter 3,$(words $(DAEMON_PROGRAMS))),build/stage)
.PHONY: install uninstall
