// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmm.c - the smallest user of /dev/lguest, for tests
 *
 * The one idea: whatever a guest does, the caller gets an answer.  A guest that
 * never ends meets a timer, and the timer keeps ringing, so that a signal which
 * came a moment before LG_RUN went to sleep on it is made good by the next.
 *
 * Start at vmm_create() and vmm_run(); what a guest finds is in vmm.h.
 *
 * Long because every program that runs a guest needs all of it.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

#define PAGE        4096ULL
#define LARGE_PAGE  (512 * PAGE)
#define ADDR_BITS   0x000ffffffffff000ULL
#define PT_ENTRIES  512
#define NS_PER_MS   1000000LL
#define NS_PER_S    1000000000LL
#define RING_PERIOD (20 * NS_PER_MS)

__attribute__((format(printf, 2, 3))) static int fail(struct vmm *vmm,
						      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(vmm->why, sizeof(vmm->why), fmt, args);
	va_end(args);
	return -1;
}

static int open_device(struct vmm *vmm, const struct vmm_options *options)
{
	struct lg_vm_create create = { .abi = LG_ABI_VERSION };

	vmm->device = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	if (vmm->device < 0)
		return fail(vmm, "/dev/lguest: open: %s", strerror(errno));
	if (ioctl(vmm->device, LG_INFO, &vmm->info) < 0)
		return fail(vmm, "/dev/lguest: LG_INFO: %s", strerror(errno));

	/* With a queue LG_RUN is another call than the one we make. */
	create.features = (vmm->info.features & ~LG_FEATURE_QUEUE) |
			  options->and_features;
	create.features &= ~options->but_features;
	create.shadow_pages = options->shadow_pages;
	vmm->vm = ioctl(vmm->device, LG_VM_CREATE, &create);
	if (vmm->vm < 0)
		return fail(vmm, "LG_VM_CREATE (features %#llx): %s",
			    create.features, strerror(errno));
	return 0;
}

static int add_ram(struct vmm *vmm, __u32 flags)
{
	struct lg_slot slot = { .bytes = vmm->ram_bytes, .flags = flags };
	void *ram;

	vmm->memfd = memfd_create("ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (vmm->memfd < 0)
		return fail(vmm, "memfd_create: %s", strerror(errno));
	if (ftruncate(vmm->memfd, (off_t)vmm->ram_bytes) < 0 ||
	    fcntl(vmm->memfd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		return fail(vmm, "memfd: %llu bytes, sealed: %s",
			    vmm->ram_bytes, strerror(errno));

	ram = mmap(NULL, vmm->ram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vmm->memfd, 0);
	if (ram == MAP_FAILED)
		return fail(vmm, "memfd: mmap of %llu bytes: %s",
			    vmm->ram_bytes, strerror(errno));
	vmm->ram = ram;

	slot.memfd = vmm->memfd;
	if (ioctl(vmm->vm, LG_SLOT_ADD, &slot) < 0)
		return fail(vmm, "LG_SLOT_ADD (%llu bytes at gpa 0): %s",
			    vmm->ram_bytes, strerror(errno));
	return 0;
}

static int add_vcpu(struct vmm *vmm)
{
	struct lg_vcpu_create create = { .id = 0 };
	void *run;

	vmm->vcpu = ioctl(vmm->vm, LG_VCPU_CREATE, &create);
	if (vmm->vcpu < 0)
		return fail(vmm, "LG_VCPU_CREATE: %s", strerror(errno));
	run = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, vmm->vcpu, 0);
	if (run == MAP_FAILED)
		return fail(vmm, "vcpu: mmap: %s", strerror(errno));
	vmm->run = run;
	return 0;
}

/* What a vcpu of CPL 3 starts with; the rest is zero. */
static void reset_regs(struct vmm *vmm)
{
	vmm->regs = (struct lg_regs){
		.rflags = 0x202,
		.rdx = vmm->ram_bytes,
		.rcx = vmm->root,
		.cr3 = vmm->root,
		.cs = LGUEST_CS,
		.ss = LGUEST_DS,
		.mode = LG_MODE_KERNEL,
	};
	vmm->regs_written = 0;
}

/* RAM at its own addresses, page 0 excepted, in tables at the end of it. */
static int make_tables(struct vmm *vmm)
{
	__u64 rights = VMM_P | VMM_W;

	vmm->root = vmm->ram_bytes - VMM_TABLE_BYTES;
	vmm->next_table = vmm->root + PAGE;
	memset(vmm->ram + vmm->root, 0, PAGE);
	if (!vmm->large_pages)
		return vmm_map(vmm, VMM_RAM_START, VMM_RAM_START,
			       vmm->ram_bytes - VMM_RAM_START, rights);
	/* The first 2 MiB are in small pages, for the sake of page 0. */
	if (vmm_map(vmm, VMM_RAM_START, VMM_RAM_START,
		    LARGE_PAGE - VMM_RAM_START, rights) < 0)
		return -1;
	return vmm_map(vmm, LARGE_PAGE, LARGE_PAGE, vmm->ram_bytes - LARGE_PAGE,
		       rights | VMM_LARGE);
}

int vmm_create(struct vmm *vmm, const struct vmm_options *options)
{
	static const struct vmm_options defaults;

	if (!options)
		options = &defaults;
	memset(vmm, 0, sizeof(*vmm));
	vmm->device = vmm->vm = vmm->vcpu = vmm->memfd = -1;
	vmm->large_pages = options->large_pages;
	vmm->ram_bytes =
		options->ram_bytes ? options->ram_bytes : VMM_RAM_BYTES;
	vmm->limit_ms = options->limit_ms ? options->limit_ms : VMM_LIMIT_MS;
	if (vmm->ram_bytes < 2 * VMM_TABLE_BYTES || vmm->ram_bytes % PAGE)
		return fail(vmm, "vmm_create: %llu bytes of RAM: at least %llu",
			    vmm->ram_bytes, 2 * VMM_TABLE_BYTES);

	if (open_device(vmm, options) < 0 ||
	    add_ram(vmm, options->slot_flags) < 0 || add_vcpu(vmm) < 0 ||
	    make_tables(vmm) < 0)
		return -1;
	reset_regs(vmm);
	return 0;
}

static void close_fd(int *fd)
{
	/* A struct of zeroes was never created; 0 is none of our files. */
	if (*fd > 0)
		close(*fd);
	*fd = -1;
}

static void remove_vcpu(struct vmm *vmm)
{
	if (vmm->run)
		munmap(vmm->run, PAGE);
	vmm->run = NULL;
	close_fd(&vmm->vcpu);
}

int vmm_reset(struct vmm *vmm)
{
	remove_vcpu(vmm);
	if (add_vcpu(vmm) < 0 || make_tables(vmm) < 0)
		return -1;
	reset_regs(vmm);
	return 0;
}

void vmm_destroy(struct vmm *vmm)
{
	remove_vcpu(vmm);
	if (vmm->ram)
		munmap(vmm->ram, vmm->ram_bytes);
	vmm->ram = NULL;
	close_fd(&vmm->vm);
	close_fd(&vmm->memfd);
	close_fd(&vmm->device);
}

void *vmm_at(struct vmm *vmm, __u64 gpa, __u64 bytes)
{
	if (gpa > vmm->ram_bytes || bytes > vmm->ram_bytes - gpa)
		return NULL;
	return vmm->ram + gpa;
}

static int load_segment(struct vmm *vmm, const Elf64_Phdr *phdr,
			const __u8 *image, size_t bytes)
{
	void *to = vmm_at(vmm, phdr->p_paddr, phdr->p_memsz);

	if (!to)
		return fail(vmm, "elf: segment at %#llx, %llu bytes: not RAM",
			    (unsigned long long)phdr->p_paddr,
			    (unsigned long long)phdr->p_memsz);
	if (phdr->p_offset > bytes || phdr->p_filesz > bytes - phdr->p_offset ||
	    phdr->p_filesz > phdr->p_memsz)
		return fail(vmm, "elf: segment at %#llx: past the file's end",
			    (unsigned long long)phdr->p_paddr);
	memcpy(to, image + phdr->p_offset, phdr->p_filesz);
	return 0;
}

int vmm_load_image(struct vmm *vmm, const void *image, size_t bytes)
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	size_t at;
	int i;

	if (bytes < sizeof(ehdr))
		return fail(vmm, "elf: %zu bytes are no ELF file", bytes);
	memcpy(&ehdr, image, sizeof(ehdr));
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_machine != EM_X86_64 || ehdr.e_type != ET_EXEC)
		return fail(vmm, "elf: not an x86-64 executable");

	for (i = 0; i < ehdr.e_phnum; i++) {
		at = ehdr.e_phoff + (size_t)i * sizeof(phdr);
		if (at > bytes || sizeof(phdr) > bytes - at)
			return fail(vmm, "elf: headers past the file's end");
		memcpy(&phdr, (const __u8 *)image + at, sizeof(phdr));
		if (phdr.p_type == PT_LOAD &&
		    load_segment(vmm, &phdr, image, bytes) < 0)
			return -1;
	}
	vmm->regs.rip = ehdr.e_entry;
	return 0;
}

int vmm_load(struct vmm *vmm, const char *path)
{
	struct stat st;
	void *image;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(vmm, "%s: open: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0) {
		close(fd);
		return fail(vmm, "%s: stat: %s", path, strerror(errno));
	}
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image == MAP_FAILED)
		return fail(vmm, "%s: mmap: %s", path, strerror(errno));
	r = vmm_load_image(vmm, image, (size_t)st.st_size);
	munmap(image, (size_t)st.st_size);
	return r;
}

/* The entry for gva at a level (1: a 4 KiB page), with tables as needed. */
static __u64 *walk(struct vmm *vmm, __u64 gva, int want)
{
	__u64 table = vmm->root, *entry;
	int level;

	for (level = 4;; level--) {
		entry = vmm_at(vmm, table, PAGE);
		if (!entry)
			return NULL;
		entry += (gva >> (12 + 9 * (level - 1))) % PT_ENTRIES;
		if (level == want)
			return entry;
		if (!(*entry & VMM_P)) {
			if (!vmm_at(vmm, vmm->next_table, PAGE))
				return NULL;
			/* Rights are the leaf's business. */
			memset(vmm->ram + vmm->next_table, 0, PAGE);
			*entry = vmm->next_table | VMM_P | VMM_W | VMM_U;
			vmm->next_table += PAGE;
		} else if (*entry & VMM_LARGE) {
			return NULL;
		}
		table = *entry & ADDR_BITS;
	}
}

int vmm_map(struct vmm *vmm, __u64 gva, __u64 gpa, __u64 bytes, __u64 rights)
{
	__u64 page = rights & VMM_LARGE ? LARGE_PAGE : PAGE;
	__u64 done, *entry;

	if ((gva | gpa | bytes) % page)
		return fail(vmm, "vmm_map: gva %#llx, gpa %#llx: not aligned",
			    gva, gpa);
	for (done = 0; done < bytes; done += page) {
		entry = walk(vmm, gva + done, page == PAGE ? 1 : 2);
		if (!entry)
			return fail(vmm, "vmm_map: gva %#llx: no table for it",
				    gva + done);
		*entry = (gpa + done) | rights;
	}
	return 0;
}

int vmm_set_regs(struct vmm *vmm, const struct lg_regs *regs)
{
	struct lg_state state = {
		.type = LG_STATE_REGS,
		.bytes = sizeof(*regs),
		.addr = (__u64)(uintptr_t)regs,
	};

	if (ioctl(vmm->vcpu, LG_STATE_SET, &state) < 0)
		return fail(vmm, "LG_STATE_SET (rip %#llx, rflags %#llx): %s",
			    regs->rip, regs->rflags, strerror(errno));
	return 0;
}

int vmm_get_regs(struct vmm *vmm, struct lg_regs *regs)
{
	struct lg_state state = {
		.type = LG_STATE_REGS,
		.bytes = sizeof(*regs),
		.addr = (__u64)(uintptr_t)regs,
	};

	if (ioctl(vmm->vcpu, LG_STATE_GET, &state) < 0)
		return fail(vmm, "LG_STATE_GET: %s", strerror(errno));
	return 0;
}

/*
 * LG_STARVE=N, with the debug module: one of the next N allocations of lg.ko's
 * fails in LG_RUN, again and again.  The guest must not notice.
 */
static unsigned int starving(void)
{
	static unsigned int most, asked;
	const char *text;

	if (!asked) {
		text = getenv("LG_STARVE");
		most = text ? (unsigned int)strtoul(text, NULL, 10) : 0;
		asked = 1;
	}
	return most;
}

static void starve(unsigned int nth)
{
	FILE *file = fopen("/sys/module/lg/parameters/fail_nth", "w");

	if (!file || fprintf(file, "%u\n", nth) < 0 || fclose(file)) {
		fprintf(stderr, "vmm: fail_nth: cannot be written\n");
		abort();
	}
}

static int run(struct vmm *vmm)
{
	unsigned int most = starving();
	int err;

	if (!most)
		return ioctl(vmm->vcpu, LG_RUN, 0);
	starve(1 + (unsigned int)random() % most);
	err = ioctl(vmm->vcpu, LG_RUN, 0) ? errno : 0;
	starve(0);
	errno = err == ENOMEM ? EINTR : err;
	return err ? -1 : 0;
}

int vmm_run_once(struct vmm *vmm)
{
	if (!vmm->regs_written) {
		if (vmm_set_regs(vmm, &vmm->regs) < 0)
			return VMM_ERROR;
		vmm->regs_written = 1;
	}
	if (run(vmm) == 0)
		return (int)vmm->run->exit;
	if (errno == EINTR)
		return VMM_INTERRUPTED;
	fail(vmm, "LG_RUN: %s", strerror(errno));
	return VMM_ERROR;
}

int vmm_run_on(struct vmm *vmm)
{
	int end;

	do
		end = vmm_run_once(vmm);
	while (end == VMM_INTERRUPTED);
	return end;
}

/* Text ends with a NUL; one that has none in RAM ends with RAM. */
static int take_notify(struct vmm *vmm)
{
	__u64 token = vmm->run->data[0];
	const char *text = vmm_at(vmm, token, 1);
	char copy[1024];
	size_t len;

	if (!text)
		return vmm->on_notify ? vmm->on_notify(vmm, token) : -1;
	if (!vmm->on_console)
		return 0;
	len = strnlen(text, vmm->ram_bytes - token);
	if (len >= sizeof(copy))
		len = sizeof(copy) - 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	vmm->on_console(vmm, copy);
	return 0;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void on_ring(int signal)
{
	(void)signal; /* it has done its work by coming */
}

/* Ring this thread, and no other, when the time is up; and then go on. */
static int start_timer(struct vmm *vmm, timer_t *ret_timer)
{
	struct itimerspec spec = { .it_interval.tv_nsec = RING_PERIOD };
	struct sigaction action = { .sa_handler = on_ring };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
	};

	event._sigev_un._tid = (int)syscall(SYS_gettid);
	spec.it_value.tv_sec = vmm->limit_ms / 1000;
	spec.it_value.tv_nsec = vmm->limit_ms % 1000 * NS_PER_MS;
	if (sigaction(SIGALRM, &action, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, ret_timer) < 0)
		return fail(vmm, "timer_create: %s", strerror(errno));
	if (timer_settime(*ret_timer, 0, &spec, NULL) < 0) {
		timer_delete(*ret_timer);
		return fail(vmm, "timer_settime: %s", strerror(errno));
	}
	return 0;
}

static void describe_end(struct vmm *vmm, int end)
{
	const struct lg_run *run = vmm->run;
	const char *mode = run->mode == LG_MODE_USER ? "user" : "kernel";

	if (end == LG_EXIT_KILLED)
		fail(vmm,
		     "killed: trap %u (error %#llx, address %#llx) at rip "
		     "%#llx in guest %s mode: %.*s",
		     run->trap, run->trap_error, run->trap_addr, run->rip, mode,
		     (int)sizeof(run->why), run->why);
	else if (end == LG_EXIT_SHUTDOWN)
		fail(vmm, "shut down: %s",
		     run->data[0] == LGUEST_SHUTDOWN_POWEROFF  ? "power off"
		     : run->data[0] == LGUEST_SHUTDOWN_RESTART ? "restart"
							       : "crash");
	else if (end == LG_EXIT_NOTIFY)
		fail(vmm, "notified with token %#llx", run->data[0]);
	else if (end == VMM_TIMEOUT)
		fail(vmm, "no end after %u ms", vmm->limit_ms);
	else if (end != VMM_ERROR)
		fail(vmm, "LG_RUN: unknown exit %d", end);
}

int vmm_run(struct vmm *vmm)
{
	long long deadline = now_ns() + vmm->limit_ms * NS_PER_MS;
	timer_t timer;
	int end;

	if (start_timer(vmm, &timer) < 0)
		return VMM_ERROR;
	do {
		end = vmm_run_once(vmm);
		if (end == LG_EXIT_NOTIFY && take_notify(vmm) == 0)
			end = VMM_INTERRUPTED;
		if (end == VMM_INTERRUPTED && now_ns() >= deadline)
			end = VMM_TIMEOUT;
	} while (end == VMM_INTERRUPTED);
	timer_delete(timer);
	describe_end(vmm, end);
	return end;
}

const char *vmm_why(const struct vmm *vmm)
{
	return vmm->why;
}
