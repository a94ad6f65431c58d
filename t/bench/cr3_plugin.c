// SPDX-License-Identifier: GPL-2.0-only
/*
 * cr3_plugin.c - counts what an emulated CPU's instructions do not show
 *
 * A write to CR3 is one instruction and the dearest of a world switch, so the
 * bench counts them beside the instructions.  QEMU loads this, and tells it of
 * every instruction it translates; a write to CR3 is counted each time it runs.
 * The guest marks where its loop begins and ends with a NOP that nobody else
 * has, and at each mark the count is written to the file named by out=.
 *
 * With insns=on it counts the instructions, too, and writes them behind: for
 * machines below machines, where no clock is the same for all, and where to be
 * idle must cost nothing.  That makes the emulator slower by half.
 *
 * Debian's QEMU has the interface and no header for it.  What follows is the
 * part of it that we use, as QEMU's documentation of TCG plugins describes it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops.h"

#define VISIBLE __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*fn)(uint64_t id,
						      struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*fn)(unsigned int cpu,
						       void *arg),
					    int flags, void *arg);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						int op, void *ptr,
						uint64_t value);
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
			char **argv);

VISIBLE extern int qemu_plugin_version;
int qemu_plugin_version = 1;

static FILE *out;
static uint64_t cr3_writes;
static uint64_t insns;
static int count_insns;

/* MOV to CR3: 0F 22 with 3 in the reg field; maybe a REX prefix before it. */
static int writes_cr3(const uint8_t *code, size_t bytes)
{
	if (bytes == 4 && (code[0] & 0xf0) == 0x40) {
		code++;
		bytes--;
	}
	return bytes == 3 && code[0] == 0x0f && code[1] == 0x22 &&
	       (code[2] >> 3 & 7) == 3;
}

static int is_mark(const uint8_t *code, size_t bytes)
{
	static const uint8_t mark[] = { MARK_BYTES };

	return bytes == sizeof(mark) && memcmp(code, mark, bytes) == 0;
}

static void on_mark(unsigned int cpu, void *arg)
{
	(void)cpu;
	(void)arg;
	fprintf(out, "%" PRIu64, cr3_writes);
	if (count_insns)
		fprintf(out, " %" PRIu64, insns);
	fprintf(out, "\n");
	fflush(out);
}

static void on_translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		size_t bytes = qemu_plugin_insn_size(insn);

		if (count_insns)
			qemu_plugin_register_vcpu_insn_exec_inline(insn, 0,
								   &insns, 1);
		if (writes_cr3(code, bytes)) /* op 0 adds, at no great cost */
			qemu_plugin_register_vcpu_insn_exec_inline(
				insn, 0, &cr3_writes, 1);
		else if (is_mark(code, bytes))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, 0,
							       NULL);
	}
}

VISIBLE int qemu_plugin_install(uint64_t id, const struct qemu_info *info,
				int argc, char **argv)
{
	(void)info;
	count_insns = argc == 2 && strcmp(argv[1], "insns=on") == 0;
	if (argc != 1 + count_insns || strncmp(argv[0], "out=", 4) != 0) {
		fprintf(stderr, "cr3_plugin: wants out=FILE[,insns=on]\n");
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
	return 0;
}
