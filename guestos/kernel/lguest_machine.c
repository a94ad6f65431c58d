// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest_machine.c - the board of a guest: its memory, its voice, its end
 *
 * boot_params is the loader's page of Linux's 64-bit boot protocol, of which we
 * want two things: the memory map and the command line.  Input and the power
 * button are the daemon's, which we ask by tokens.
 *
 * Next: guestos/kernel/page.c
 */
#include <lguest/virtio.h>

#include "lguest.h"

#define BOOT_E820_COUNT 0x1e8
#define BOOT_CMDLINE    0x228
#define BOOT_E820       0x2d0

struct e820_entry {
	u64 addr, bytes;
	u32 type;
} __attribute__((packed));

/* lguest_panic - the last that the host hears of us */
static void lguest_panic(const char *reason)
{
	hcall(LHCALL_SHUTDOWN, LGUEST_SHUTDOWN_CRASH, pa(reason), 0, 0);
}

/* lguest_memory_setup - the first entry of the map is the memory limit */
const char *lguest_memory_setup(u64 boot_info, u64 *ret_end)
{
	const u8 *params = va(boot_info);
	const struct e820_entry *map = (const void *)(params + BOOT_E820);
	u32 cmdline = *(const u32 *)(params + BOOT_CMDLINE);

	panic_notify(lguest_panic);
	if (!params[BOOT_E820_COUNT])
		panic("memory: the loader gave no map at %#llx", boot_info);
	if (cmdline)
		cmdline_set(va(cmdline));
	*ret_end = map[0].addr + map[0].bytes;
	return "LGUEST";
}

/*
 * early_put_chars - print, at most 16 characters; returns how many
 *
 * The host wants a NUL behind them, hence the copy.
 */
int early_put_chars(const char *text, int len)
{
	static char scratch[MAX_CPUS][17];
	char *copy = scratch[this_cpu()->id];

	if (len > 16)
		len = 16;
	memcpy(copy, text, (size_t)len);
	copy[len] = '\0';
	hcall(LHCALL_NOTIFY, pa(copy), 0, 0, 0);
	return len;
}

/* lguest_notify - what the daemon, if there is one, answers to a token */
u64 lguest_notify(u64 token)
{
	return hcall(LHCALL_NOTIFY, token, 0, 0, 0);
}

static u64 ask(u64 what, u64 arg)
{
	return lguest_notify(LGUEST_TOKEN(what, arg));
}

/* lguest_get_char - the next byte that somebody has typed, or -1 */
int lguest_get_char(void)
{
	u64 byte = ask(LGUEST_TOKEN_GETC, 0);

	return byte <= 0xff ? (int)byte : -1;
}

/* lguest_input_irq, lguest_button_irq - 0, or -1: it will never come */
int lguest_input_irq(u32 vector)
{
	return ask(LGUEST_TOKEN_INPUT, vector) == 0 ? 0 : -1;
}

int lguest_button_irq(u32 vector)
{
	return ask(LGUEST_TOKEN_POWER, vector) == 0 ? 0 : -1;
}

void lguest_power_off(void)
{
	hcall(LHCALL_SHUTDOWN, LGUEST_SHUTDOWN_POWEROFF, pa("Power down"), 0,
	      0);
}

void lguest_restart(void)
{
	hcall(LHCALL_SHUTDOWN, LGUEST_SHUTDOWN_RESTART, pa("Restart"), 0, 0);
}

/* A panic before anybody was on the list of those who want to know. */
void lguest_crash(void)
{
	lguest_panic("panic");
}
