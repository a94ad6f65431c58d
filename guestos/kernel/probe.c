// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe.c - looking for disks that are not there
 *
 * A driver of old hardware writes to a port and waits for an answer.  Where
 * there is no such hardware it waits in vain, and the seed's author counted
 * four seconds of boot for that.  So a driver asks for its ports first, and a
 * guest has none to give (paravirt_disable_iospace).
 *
 * We have no disks to drive.  This is the probing alone, in order to show what
 * it costs: the word probe=1 has it done without asking.
 *
 * Next: guestos/kernel/virtio.c
 */
#include "kernel.h"

#define STATUS      7 /* of eight ports a controller has */
#define BUSY        0x80
#define PORTS       8
#define PATIENCE_NS (30 * NS_PER_MS)

u32 probe_count;

static u8 read_port(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "d"(port));
	return value;
}

/* Nothing on the bus reads as all ones, which says: busy. */
static int answers(u16 base)
{
	u64 give_up = clock_ns() + PATIENCE_NS;

	probe_count++;
	do {
		if (!(read_port(base + STATUS) & BUSY))
			return 1;
	} while (clock_ns() < give_up);
	return 0;
}

/* probe_disks - main.c calls; how long it took is in the log */
void probe_disks(void)
{
	static const u16 bases[] = { 0x1f0, 0x170, 0x1e8, 0x168 };
	u64 start = clock_ns();
	u32 i, found = 0;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		if (pv_ops.request_ports(bases[i], PORTS) == 0 ||
		    cmdline_number("probe", 0))
			found += (u32)answers(bases[i]);
	}
	printk("probe: %u of %u answer, %llu us\n", found, probe_count,
	       (clock_ns() - start) / 1000);
}
