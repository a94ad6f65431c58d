/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * user.h - what a program has: system calls, and a little help
 */
#ifndef USER_H
#define USER_H

#include "abi.h"

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PAGE_BYTES 4096

int main(const char *arg);

static inline long sys(long number, u64 a, u64 b, u64 c)
{
	asm volatile("syscall"
		     : "+a"(number)
		     : "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return number;
}

/* lib.c */
u64 length(const char *text);
void say(const char *text);
void say_number(u64 n);
#define NUMBER_BYTES 24
const char *decimal(u64 n, char room[NUMBER_BYTES]); /* in it */
int fork(void);
int wait(int *ret_status);
void exit(int status) __attribute__((noreturn));
void *map(u64 bytes, u64 how);

#endif /* USER_H */
