// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - how a guest ends, and what it cannot do
 *
 * Off, again and a crash are told apart, and the host gets the text of a panic.
 * A button asks for an orderly end.  There is nobody to wake us, and nobody to
 * start another kernel in our place, so sleeping and kexec are refused.  And there
 * is a bus of devices, which an ordinary module drives: it is told of it here.
 *
 * Next: guestos/linux/virtio/bus.c
 */
#include "port.h"
#include "graft.h"

#include <linux/interrupt.h>
#include <linux/kexec.h>
#include <linux/panic_notifier.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <lguest/virtio.h>
#include <asm/reboot.h>
#include <asm/x86_init.h>

#define POWER_VECTOR 0x30

extern int kexec_load_disabled; /* of newer kernels no header tells */

GRAFT_CHECK_TYPE(struct machine_ops);

static void shut_down(u64 how, const char *reason)
{
	hcall(LHCALL_SHUTDOWN, how, slow_virt_to_phys((void *)reason), 0, 0);
}

/* port_crash - the last that the host hears of us */
void __noreturn port_crash(const char *reason)
{
	for (;;)
		shut_down(LGUEST_SHUTDOWN_CRASH, reason);
}

static void restart(char *command)
{
	shut_down(LGUEST_SHUTDOWN_RESTART, "Restart");
}

static void emergency_restart_op(void)
{
	restart(NULL);
}

static void power_off(void)
{
	shut_down(LGUEST_SHUTDOWN_POWEROFF, "Power down");
}

static void halt_op(void)
{
	shut_down(LGUEST_SHUTDOWN_POWEROFF, "System halted");
}

static void shutdown_op(void)
{
	smp_send_stop();
}

static void crash_shutdown_op(struct pt_regs *regs)
{
}

/* ---- panic ---- */

static int on_panic(struct notifier_block *block, unsigned long event,
		    void *text)
{
	port_crash(text);
}

static struct notifier_block panic_block = {
	.notifier_call = on_panic,
	.priority = INT_MIN, /* others may have something to print */
};

/* ---- the power button ---- */

static irqreturn_t on_button(int irq, void *ignored)
{
	orderly_poweroff(true);
	return IRQ_HANDLED;
}

static void __init set_button(void)
{
	int irq = port_irq_map(POWER_VECTOR);

	if (!irq || request_irq(irq, on_button, 0, "power button", NULL))
		return;
	hcall(LHCALL_NOTIFY, LGUEST_TOKEN(LGUEST_TOKEN_POWER, POWER_VECTOR), 0,
	      0, 0);
}

/* ---- what is refused ---- */

static int on_sleep(struct notifier_block *block, unsigned long event,
		    void *ignored)
{
	if (event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE)
		return NOTIFY_BAD;
	return NOTIFY_DONE;
}

static struct notifier_block sleep_block = { .notifier_call = on_sleep };

/* ---- */

static unsigned char nmi_reason(void)
{
	return 0; /* an NMI is another CPU's doing */
}

void __init port_machine_init(void)
{
	machine_ops.restart = restart;
	machine_ops.emergency_restart = emergency_restart_op;
	machine_ops.power_off = power_off;
	machine_ops.halt = halt_op;
	machine_ops.shutdown = shutdown_op;
	machine_ops.crash_shutdown = crash_shutdown_op;
	x86_platform.get_nmi_reason = nmi_reason;
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
}

/* ---- devices ---- */

/* Its name is what udev loads virtio_lguest.ko for: no other machine has it. */
static void __init tell_bus(void)
{
	platform_device_register_simple("virtio-lguest", PLATFORM_DEVID_NONE,
					NULL, 0);
}

void __init port_machine_late(void)
{
	pm_power_off = power_off;
	kexec_load_disabled = 1;
	register_pm_notifier(&sleep_block);
	set_button();
	tell_bus();
}
