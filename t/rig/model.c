// SPDX-License-Identifier: GPL-2.0-only
/*
 * model.c - the machines we test on
 *
 * One row each, and no other file knows a model by name.  SMAP is off unless
 * the row is about SMAP, since QEMU 7.2's emulation of iretq from user mode to
 * user mode faults with it; LA57 likewise is off unless it is the point.
 *
 * To add one: a row here, and a line in README.md if it needs a reason.
 *
 * Next: t/rig/cache.c
 */
#include <string.h>

#include "rig.h"

#define AMD     "max,-smap,-la57"
#define INTEL   ",vendor=GenuineIntel,family=6,model=85,stepping=7"
#define SKYLAKE "Skylake-Client,-smap"
#define ICOUNT                                               \
	"-accel tcg,thread=single -icount shift=0,sleep=off" \
	" -rtc base=2026-01-01,clock=vm"
/* icount takes each byte of REP STOSB and MOVSB for an instruction. */
#define BY_WORDS ",-erms"
#define FIXED    "nokaslr norandmaps lpj=4000000"

const struct model models[] = {
	{
		.name = "amd",
		.what = "4-level paging, no PTI: the default",
		.cpu = AMD,
		.cpus = 2,
	},
	{
		.name = "amd-la57",
		.what = "5-level paging",
		.cpu = "max,-smap",
		.cpus = 2,
		.append = "nokaslr",
		.flags = MODEL_BZIMAGE,
	},
	{
		.name = "smap",
		.what = "SMAP is on; a Linux guest dies of QEMU's iretq",
		.cpu = "max,-la57",
		.cpus = 2,
	},
	{
		.name = "intel-pti",
		.what = "calls itself Intel, and hides the kernel's tables",
		.cpu = AMD INTEL,
		.cpus = 2,
		.append = "pti=on",
	},
	{
		.name = "intel-la57-pti",
		.what = "the same with 5-level paging",
		.cpu = "max,-smap" INTEL,
		.cpus = 2,
		.append = "pti=on nokaslr",
		.flags = MODEL_BZIMAGE,
	},
	{
		.name = "skylake",
		.what = "a named CPU, and the mitigations it gets",
		.cpu = SKYLAKE,
		.cpus = 2,
	},
	{
		.name = "kaslr",
		.what = "boots the packed kernel, so addresses are random",
		.cpu = AMD,
		.cpus = 2,
		.flags = MODEL_COLD | MODEL_BZIMAGE,
	},
	{
		.name = "up",
		.what = "one CPU",
		.cpu = AMD,
		.cpus = 1,
	},
	{
		.name = "quad",
		.what = "four CPUs: windows whose addresses have other bits",
		.cpu = AMD,
		.cpus = 4,
	},
	{
		.name = "singlestep",
		.what = "emulates one instruction at a time, slowly",
		.cpu = AMD,
		.cpus = 2,
		.accel = "-singlestep",
		.like = "amd",
	},
	{
		.name = "preempt",
		.what = "a fully preemptible kernel",
		.cpu = AMD,
		.cpus = 2,
		.append = "preempt=full",
	},
	{
		.name = "nohz",
		.what = "CPU 1 has no tick",
		.cpu = AMD,
		.cpus = 2,
		.append = "nohz_full=1 rcu_nocbs=1",
	},
	{
		.name = "slub",
		.what = "the slab allocator checks and poisons",
		.cpu = AMD,
		.cpus = 2,
		.append = "slub_debug=FZP",
	},
	{
		.name = "icount",
		.what = "a nanosecond is an instruction: for counting",
		.cpu = AMD BY_WORDS,
		.cpus = 1,
		.append = FIXED,
		.accel = ICOUNT,
		.flags = MODEL_COLD | MODEL_ICOUNT,
	},
	{
		.name = "icount-mitigated",
		.what = "counting, with a Skylake's mitigations",
		.cpu = SKYLAKE BY_WORDS,
		.cpus = 1,
		.append = FIXED,
		.accel = ICOUNT,
		.flags = MODEL_COLD | MODEL_ICOUNT,
	},
	{ 0 },
};

const struct model *model_find(const char *name)
{
	const struct model *model;

	for (model = models; model->name; model++)
		if (strcmp(model->name, name) == 0)
			return model;
	return NULL;
}

void model_list(FILE *to)
{
	const struct model *model;

	for (model = models; model->name; model++)
		fprintf(to, "%-17s %s\n", model->name, model->what);
}
