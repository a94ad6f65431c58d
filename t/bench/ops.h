/* SPDX-License-Identifier: GPL-2.0-only */
/* ops.h - the operations that are measured: the bench and its guest agree */
#ifndef OPS_H
#define OPS_H

#define OP_HYPERCALL      0
#define OP_DIRECT         1 /* user to kernel and back, in the Switcher */
#define OP_LONG_WAY       2 /* the same through lg.ko */
#define OP_NOTIFY         3 /* to the daemon and back */
#define OP_FILL           4 /* first touch of a page */
#define OP_TICK           5 /* a host interrupt while the guest computes */
#define OP_HIGH_HYPERCALL 6 /* of a guest with pages in the high half */
#define OP_FILL_USED      7 /* ... of one that the guest has used before */
#define OP_FAULT          8 /* user mode's page fault and back, direct */
#define OP_LONG_FAULT     9 /* ... through lg.ko */
#define OP_COUNT          10

#define OP_TOKEN (1ULL << 63) /* OP_NOTIFY's */

#define BENCH_ROUNDS 1000
#define FILL_START   0xa00000 /* free RAM of the guest */
#define FILL_BYTES   (BENCH_ROUNDS * 4096UL)
#define BENCH_TICKS  40

/* A NOP with a displacement that no compiler would choose: see cr3_plugin.c */
#define MARK_BYTES 0x0f, 0x1f, 0x80, 0x67, 0x6c, 0x5f, 0x6d

#endif /* OPS_H */
