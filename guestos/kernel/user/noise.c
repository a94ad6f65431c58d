// SPDX-License-Identifier: GPL-2.0-only
/*
 * noise.c - numbered lines with something random in each, for ever
 *
 * Every line asks a device for bytes and gives another text, so whoever reads
 * them sees whether either has lost or repeated anything.
 *
 * Next: guestos/kernel/user/crash.c
 */
#include "user.h"

int main(const char *arg)
{
	u64 number, random;

	(void)arg;
	for (number = 1;; number++) {
		random = 0;
		if (sys(SYS_RANDOM, (u64)&random, sizeof(random), 0) !=
		    sizeof(random))
			say("none ");
		say_number(number);
		say(" ");
		say_number(random);
		say("\n");
	}
}
