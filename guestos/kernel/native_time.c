// SPDX-License-Identifier: GPL-2.0-only
/*
 * native_time.c - the TSC, the APIC's timer, and the battery-backed clock
 *
 * Neither the TSC nor the APIC's timer says how fast it runs.  The interval
 * timer of 1981 does: both are watched while it counts down 10 ms.
 *
 * Next: guestos/kernel/native_machine.c
 */
#include "native.h"

#define APIC_LVT_TIMER 0x320
#define APIC_INITIAL   0x380
#define APIC_CURRENT   0x390
#define APIC_DIVIDE    0x3e0
#define DIVIDE_BY_16   3

#define PIT_HZ    1193182
#define PIT_TICKS (PIT_HZ / 100)

static u32 tsc_khz, apic_khz;

static u64 rdtsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* Channel 2 counts once, and shows in port 0x61 that it is done. */
static void pit_wait_10ms(void)
{
	u8 gate = inb(0x61) & 0xfc;

	outb(0x61, gate);
	outb(0x43, 0xb0); /* channel 2, both bytes, mode 0 */
	outb(0x42, PIT_TICKS & 0xff);
	outb(0x42, PIT_TICKS >> 8);
	outb(0x61, gate | 1);
	while (!(inb(0x61) & 0x20))
		asm volatile("pause");
}

/* Of a few tries the shortest is right: being interrupted only adds. */
static void calibrate(void)
{
	u32 apic, tsc, try;
	u64 start;

	tsc_khz = apic_khz = ~0U;
	for (try = 0; try < 3; try++) {
		native_apic_write(APIC_INITIAL, ~0U);
		start = rdtsc();
		pit_wait_10ms();
		apic = ~native_apic_read(APIC_CURRENT) / 10;
		tsc = (u32)((rdtsc() - start) / 10);
		native_apic_write(APIC_INITIAL, 0);
		apic_khz = apic < apic_khz ? apic : apic_khz;
		tsc_khz = tsc < tsc_khz ? tsc : tsc_khz;
	}
	if (!tsc_khz || !apic_khz)
		panic("time: tsc %u kHz, apic %u kHz", tsc_khz, apic_khz);
}

static u64 read_tsc(void)
{
	return cycles_to_ns(rdtsc(), tsc_khz);
}

/* native_time_init - this CPU's timer, one-shot, on irq 0 */
void native_time_init(void)
{
	static const struct clock tsc = { "tsc", 300, read_tsc };

	native_apic_write(APIC_DIVIDE, DIVIDE_BY_16);
	native_apic_write(APIC_LVT_TIMER, IRQ_BASE + TIMER_IRQ);
	if (tsc_khz)
		return;
	calibrate();
	clock_register(&tsc);
}

/* native_set_next_event - after so many ns, at most 2^32 ticks; 0: never */
void native_set_next_event(u64 delta_ns)
{
	u64 ticks;

	if (delta_ns > NS_PER_S)
		delta_ns = NS_PER_S; /* too early, and then once more */
	ticks = delta_ns * apic_khz / 1000000;
	if (delta_ns && !ticks)
		ticks = 1;
	native_apic_write(APIC_INITIAL, (u32)ticks);
}

static u32 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static u32 from_bcd(u32 value)
{
	return (value >> 4) * 10 + (value & 15);
}

/* Days from 1970 to a date after it. */
static u64 days(u32 year, u32 month, u32 day)
{
	/* A year that starts in March has its odd day at the end. */
	u64 y = month > 2 ? year : year - 1;
	u64 m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       719469;
}

/* native_get_wallclock - seconds since 1970, from the clock of the board */
u64 native_get_wallclock(void)
{
	u32 now[6], again, i;
	static const u8 regs[6] = { 0, 2, 4, 7, 8, 9 };

	do {
		while (cmos(10) & 0x80) /* in the middle of a change */
			asm volatile("pause");
		for (i = 0; i < 6; i++)
			now[i] = cmos(regs[i]);
		again = cmos(0);
	} while (again != now[0]);
	if (!(cmos(11) & 4)) {
		for (i = 0; i < 6; i++)
			now[i] = from_bcd(now[i]);
	}
	return days(2000 + now[5], now[4], now[3]) * 86400 + now[2] * 3600 +
	       now[1] * 60 + now[0];
}
