// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - a voice from the first line on, and an ear
 *
 * hvc0 is our console: text is handed to the host by its physical address, and a
 * key that somebody presses is an interrupt and then a question.  Where nobody
 * knows the question there is no input, and nothing else is different.  Before
 * hvc0 can be had, the same text goes the same way.  It needs no module, so it is
 * there from the first line to the last; a virtio console is hvc1, beside it.
 *
 * Next: guestos/linux/port/machine.c
 */
#include "port.h"
#include "graft.h"

#include <linux/console.h>
#include <linux/interrupt.h>
#include <linux/string.h>
#include <lguest/virtio.h>

#define INPUT_VECTOR 0x31
#define CHUNK        240 /* of a terminal's; of the kernel's it is 16 */

/* drivers/tty/hvc/hvc_console.h is no installed header. */
struct hvc_struct;
struct hv_ops {
	int (*get_chars)(uint32_t vtermno, char *buf, int count);
	int (*put_chars)(uint32_t vtermno, const char *buf, int count);
	int (*flush)(uint32_t vtermno, bool wait);
	int (*notifier_add)(struct hvc_struct *hp, int irq);
	void (*notifier_del)(struct hvc_struct *hp, int irq);
	void (*notifier_hangup)(struct hvc_struct *hp, int irq);
	int (*tiocmget)(struct hvc_struct *hp);
	int (*tiocmset)(struct hvc_struct *hp, unsigned int set,
			unsigned int clear);
	void (*dtr_rts)(struct hvc_struct *hp, int raise);
};
GRAFT_CHECK_TYPE(struct hv_ops);
GRAFT_CHECK_FUNCTION(int, hvc_instantiate, uint32_t, int,
		     const struct hv_ops *);
GRAFT_CHECK_FUNCTION(struct hvc_struct *, hvc_alloc, uint32_t, int,
		     const struct hv_ops *, int);
GRAFT_CHECK_FUNCTION(int, notifier_add_irq, struct hvc_struct *, int);
GRAFT_CHECK_FUNCTION(void, notifier_del_irq, struct hvc_struct *, int);
GRAFT_CHECK_FUNCTION(void, notifier_hangup_irq, struct hvc_struct *, int);

/* ---- out ---- */

/* The host wants a NUL behind it, hence the copy.  Returns how many. */
static int put_some(const char *text, int len)
{
	unsigned long flags;
	char *copy;
	int i;

	local_irq_save(flags);
	copy = port_cpus[raw_smp_processor_id()].text;
	len = min_t(int, len, sizeof(port_cpus[0].text) - 1);
	for (i = 0; i < len; i++)
		copy[i] = text[i];
	copy[len] = '\0';
	hcall(LHCALL_NOTIFY, __pa_symbol(copy), 0, 0, 0);
	local_irq_restore(flags);
	return len;
}

static int put_chars(uint32_t vtermno, const char *text, int len)
{
	return put_some(text, len);
}

static void early_write(struct console *console, const char *text,
			unsigned int len)
{
	while (len) {
		unsigned int done = put_some(text, len);

		text += done;
		len -= done;
	}
}

static struct console early = {
	.name = "lguest",
	.write = early_write,
	.flags = CON_PRINTBUFFER | CON_ANYTIME | CON_ENABLED | CON_BOOT,
	.index = -1,
};

/* ---- in ---- */

static u64 ask(u64 what, u64 arg)
{
	return hcall(LHCALL_NOTIFY, LGUEST_TOKEN(what, arg), 0, 0, 0);
}

static bool input_known;

static int get_chars(uint32_t vtermno, char *buf, int count)
{
	int n = 0;
	u64 byte;

	while (input_known && n < count) {
		byte = ask(LGUEST_TOKEN_GETC, 0);
		if (byte > 0xff)
			break;
		buf[n++] = byte;
	}
	return n;
}

/*
 * We want input for as long as somebody has hvc0 open.  When nobody has, it is
 * for a virtio console, should there be one.
 */
static int start_input(struct hvc_struct *hp, int irq)
{
	int r = notifier_add_irq(hp, irq);

	if (!r && input_known)
		ask(LGUEST_TOKEN_INPUT, INPUT_VECTOR);
	return r;
}

static void stop_input(struct hvc_struct *hp, int irq)
{
	if (input_known)
		ask(LGUEST_TOKEN_INPUT, 0);
	notifier_del_irq(hp, irq);
}

static void hang_up(struct hvc_struct *hp, int irq)
{
	if (input_known)
		ask(LGUEST_TOKEN_INPUT, 0);
	notifier_hangup_irq(hp, irq);
}

static const struct hv_ops ops = {
	.get_chars = get_chars,
	.put_chars = put_chars,
	.notifier_add = start_input,
	.notifier_del = stop_input,
	.notifier_hangup = hang_up,
};

/* port_console_early - text goes out from now on; hvc0 without being asked for */
void __init port_console_early(void)
{
	register_console(&early);
	add_preferred_console("hvc", 0, NULL);
	hvc_instantiate(0, 0, &ops);
}

/* port_console_late - there are interrupts: hvc0 becomes a terminal */
void __init port_console_late(void)
{
	int irq = port_irq_map(INPUT_VECTOR);

	input_known = irq && !ask(LGUEST_TOKEN_INPUT, 0);
	hvc_alloc(0, input_known ? irq : 0, &ops, CHUNK);
}
