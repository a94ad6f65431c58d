// SPDX-License-Identifier: GPL-2.0-only
/*
 * int-n - the INT instruction, with every vector there is
 *
 * Only #BP and #OF may be raised by a program; a gate that let another one
 * through would hand the host an interrupt that no device sent, or a page fault
 * with the wrong number of words on the stack.  All else is a #GP.
 *
 * The error code of that #GP is n * 8 + 2 on a CPU.  One emulator we test on
 * says n * 16 + 2, which nobody should rely on either way, so it is only
 * checked where the CPU is not emulated by that one.
 */
#include "test.h"

/* 256 times: int $n, then a system call for those that come back. */
#define ALL_VECTORS                                             \
	".set vector, 0\n\t.rept 256\n\t.byte 0xcd, vector\n\t" \
	"syscall\n\t.balign 8\n\t.set vector, vector + 1\n\t.endr\n"

asm(".pushsection .text\n\t.balign 8\nkernel_stubs:\n" ALL_VECTORS
    ".popsection");
asm(".pushsection .user.text, \"ax\"\n\t.balign 8\nuser_stubs:\n" ALL_VECTORS
    ".popsection");

extern const char kernel_stubs[][8], user_stubs[][8];

static void expect_vector(u64 vector)
{
	switch (vector) {
	case 3:
		expect_trap(TRAP_BP);
		break;
	case 4:
		expect_trap(TRAP_OF);
		break;
	default:
		expect_trap(TRAP_GP);
		if (!on_tcg())
			expect_error(vector * 8 + 2, ~0ULL);
	}
}

CASE(from_kernel, "int $n in kernel mode is a #GP for all n but 3 and 4",
     STEPS(256))
{
	expect_vector(step);
	((void (*)(void))kernel_stubs[step])();
}

CASE(from_user, "int $n in user mode is a #GP for all n but 3 and 4",
     STEPS(256))
{
	expect_vector(step);
	expect_user();
	user_die(user_stubs[step]);
}
