// SPDX-License-Identifier: GPL-2.0-only
/*
 * native_machine.c - the board: its memory, its serial port, its switch
 *
 * What the firmware says by PVH, and what QEMU's boards have had at the same
 * ports for ever.  None of these ports is touched under lguest.
 *
 * Next: guestos/kernel/lguest_asm.S
 */
#include "native.h"

#define COM1        0x3f8
#define FW_CFG      0x510
#define FW_CFG_CPUS 5
#define EXIT_PORT   0xf4 /* isa-debug-exit, for the tests */
#define ACPI_PM     0x604
#define START_MAGIC 0x336ec578

/* What PVH's EBX points at. */
struct start_info {
	u32 magic, version, flags, modules;
	u64 module_list, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};

struct memmap_entry {
	u64 addr, bytes;
	u32 type, reserved;
};

/* native_memory_setup - the piece of RAM that the kernel is in */
const char *native_memory_setup(u64 boot_info, u64 *ret_end)
{
	const struct start_info *info = va(boot_info);
	const struct memmap_entry *map;
	u32 i;

	if (info->magic != START_MAGIC || info->version < 1)
		panic("memory: no PVH start_info at %#llx", boot_info);
	if (info->cmdline)
		cmdline_set(va(info->cmdline));
	map = va(info->memmap);
	for (i = 0; i < info->memmap_entries; i++) {
		if (map[i].type == 1 && map[i].addr <= pa(kernel_start) &&
		    map[i].addr + map[i].bytes > pa(kernel_end))
			*ret_end = map[i].addr + map[i].bytes;
	}
	if (!*ret_end)
		panic("memory: the map has none where we are");
	return "PVH";
}

int native_put_chars(const char *text, int len)
{
	int i;

	for (i = 0; i < len; i++) {
		while (!(inb(COM1 + 5) & 0x20))
			asm volatile("pause");
		outb(COM1, (u8)text[i]);
	}
	return len;
}

/* native_get_char - the serial port has one for us, or -1 */
int native_get_char(void)
{
	return inb(COM1 + 5) & 1 ? inb(COM1) : -1;
}

/* native_count_cpus - QEMU says how many it was started with */
u32 native_count_cpus(void)
{
	u32 low;

	outw(FW_CFG, 0);
	if (inb(FW_CFG + 1) != 'Q')
		return 1;
	outw(FW_CFG, FW_CFG_CPUS);
	low = inb(FW_CFG + 1);
	return low | (u32)inb(FW_CFG + 1) << 8;
}

static void stop(void)
{
	for (;;)
		asm volatile("cli\n\thlt");
}

void native_power_off(void)
{
	outw(ACPI_PM, 0x2000);
	stop();
}

void native_restart(void)
{
	outb(0x64, 0xfe); /* the keyboard controller holds the reset line */
	stop();
}

/* native_crash - QEMU exits with an odd status: 2 * value + 1 */
void native_crash(void)
{
	outb(EXIT_PORT, 1);
	stop();
}
