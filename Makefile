# SPDX-License-Identifier: GPL-2.0-only
#
# Makefile - builds lguest, tests it, and says what it can do
#
# Everything built is under build/.  `make` alone lists what can be asked for;
# V=1 shows the commands.  A folder with programs of its own describes them in a
# fragment, NAME/NAME.mk, which adds what it builds to ALL_TARGETS.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

Q := $(if $(V),,@)
say = @printf '  %-8s%s\n' $(1) $(2)

# The kernel to build for: Debian 12's newest, whichever kernel runs here.  It is
# one for servers: of other flavours (cloud, rt) there is a word before -amd64.
SRC := /usr/src
ifndef KDIR
KDIR := $(shell ls -d $(SRC)/linux-headers-6.1.*[0-9]-amd64 2>/dev/null | \
	sort -V | tail -n 1)
KDIR := $(or $(KDIR),/lib/modules/$(shell uname -r)/build)
endif

# How our user-space C is built; t/lib/c.sh reads the same list.
CC := gcc
USER_CC = $(CC) @t/lib/cflags -MMD -MP

ALL_TARGETS := build/lg.ko build/debug/lg.ko
# Each test waits for its machine more than it computes.
JOBS ?= $(shell expr $$(nproc) + 1)
CPUS := $(shell nproc)
PROVE := t/lib/prove.sh --timer -j$(JOBS)

include $(wildcard daemon/daemon.mk t/daemon/*.mk guestos/guestos.mk \
	guestos/linux/linux.mk t/guest/guests.mk t/lib/lib.mk t/linux/linux.mk \
	t/rig/rig.mk t/system/system.mk t/bench/bench.mk t/fuzz/fuzz.mk \
	t/bochs/bochs.mk systemd/install.mk)
-include $(shell find build/t -type f -name '*.d' 2>/dev/null)

help: ## Print this
	@echo 'lguest: guests on any x86-64 host that can load a module'
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
		awk -F '\t' '{ printf "  make %-13s %s\n", $$1, $$2 }'

all: $(ALL_TARGETS) ## Build the module and every test program
	$(call say,READY,build/)

##### lg.ko

# Kbuild puts its objects beside the sources, so it gets a folder of links to
# ours: $(call kbuild,FOLDER,WHAT TO MAKE).
hv_sources := $(shell find hypervisor -type f)
define kbuild
	@mkdir -p $(1)
	@find $(1) -xtype l -delete
	@cp -rsf $(CURDIR)/hypervisor/. $(1)/
	$(Q)$(MAKE) -C $(KDIR) M=$(CURDIR)/$(1) $(2)
endef

build/lg.ko: $(hv_sources) build/kdir
	$(call say,KBUILD,$@)
	$(call kbuild,build/hypervisor,modules)
	$(Q)cp build/hypervisor/lg.ko $@

build/debug/lg.ko: $(hv_sources) build/kdir
	$(call say,KBUILD,$@)
	$(call kbuild,build/hypervisor-debug,LG_DEBUG=y modules)
	$(Q)mkdir -p $(@D) && cp build/hypervisor-debug/lg.ko $@

# The same sources somewhere else and built some other way: DIR=, WITH=.
module:
	$(call kbuild,$(DIR),$(WITH) modules)

# Another kernel means another module.
build/kdir: FORCE
	@mkdir -p $(@D)
	@echo '$(KDIR)' | cmp -s - $@ || echo '$(KDIR)' >$@

kdir:
	@echo '$(KDIR)'

##### Tests

# Tests that need the rig ask for this model; `t/rig/rig models` lists them.
export LG_MODEL ?= amd
OTHER_MODELS = $(filter-out $(LG_MODEL) icount%, \
	$(shell t/rig/rig models | cut -d' ' -f1))

check: deps ## Install what is missing, build, run the test suite
	$(Q)$(MAKE) -j$(CPUS) all
	$(Q)t/lib/models.sh smoke $(OTHER_MODELS)
	$(PROVE) t/ build/t/models

check-all: deps ## The same with every test on every model of the rig
	$(Q)$(MAKE) -j$(CPUS) all
	$(Q)t/lib/models.sh full $(OTHER_MODELS)
	LG_ROUNDS=4 $(PROVE) t/ build/t/models

check-linux: deps ## Linux guests at length: Debian, selftests, load; hours
	$(Q)$(MAKE) -j$(CPUS) all
	LG_ALL=1 $(PROVE) t/linux t/system/make-run.t

check-bochs: deps ## The guests again on a CPU by other authors, slowly
	$(Q)$(MAKE) -j$(CPUS) all
	$(PROVE) t/bochs/check

lint: ## Run the lints alone
	$(PROVE) t/lint

fmt: ## Format all C as .clang-format says
	$(call say,FMT,'*.c *.h')
	$(Q)find $(wildcard hypervisor daemon guestos t) -name '*.[ch]' | \
		xargs clang-format -i

deps: ## Install the Debian packages that are missing
	$(call say,DEPS,'Debian packages')
	$(Q)t/lib/deps.sh

# The first thing a newcomer does: see t/run.sh.
run: ## Start Debian, from nothing (GUEST=hello or FILE.yaml, HERE=1)
	$(call say,RUN,'1 of 3: Debian packages')
	$(Q)t/lib/deps.sh build rig debian
	$(call say,RUN,'2 of 3: building; the module takes a minute')
	$(Q)$(MAKE) -j$(CPUS) build/stage
	$(call say,RUN,'3 of 3: the guest')
	$(Q)t/run.sh $(if $(HERE),here,rig) $(GUEST)

rig: all ## A shell in the rig, where lg.ko is loaded and may break
	$(Q)t/rig/rig shell

##### Reading

journey: ## Print every file's opening in reading order
	$(Q)sh t/lib/journey.sh openings

tags: ## Index the sources: build/tags
	$(call say,CTAGS,build/tags)
	$(Q)t/lib/deps.sh tags && mkdir -p build
	$(Q)ctags -f build/tags --tag-relative=yes -R \
		$(wildcard hypervisor daemon guestos t)

clean: ## Remove everything built
	$(call say,CLEAN,build/)
	$(Q)rm -rf build

FORCE:
.PHONY: FORCE all check check-all check-bochs check-linux clean deps fmt help \
	journey kdir lint module rig run tags
