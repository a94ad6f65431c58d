// SPDX-License-Identifier: GPL-2.0-only
/*
 * graft.c - a distribution's kernel becomes a guest
 *
 * lguest's guests must know that they are guests, and no distribution's kernel
 * does.  But it was made to be told: on Xen or on bare metal it calls what its
 * tables of operations name, and one of our own is as good.  So lguest-graft
 * takes a kernel as it was installed, compiles our port against its headers,
 * links it behind the kernel, and writes one ELF file for lguest-run.  Nothing
 * of the kernel is built, its modules and its initrd fit as they are.
 *
 *	vmlinuz -> image.c, unpack.c	an ELF without symbols
 *		-> kallsyms.c		its symbols
 *	port/	-> build.c		port.o, for that kernel
 *		-> link.c, detour.c	linked with these symbols
 *		-> btf.c, check.c	and true to the kernel's types
 *		-> write.c		one file
 *
 * It takes half a minute, so it is done once and found again by key.c.  Each
 * refusal is one sentence: what the file is, and what to do.
 *
 * Next: guestos/linux/why.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#define KERNELS "/var/lib/lguest/kernels"
#define MIB     (1024.0 * 1024.0)

struct options {
	const char *headers, *out, *port, *image;
	bool force, dry, quiet;
};

struct work {
	const struct options *options;
	struct image image;
	struct headers headers;
	struct build build;
	struct symbols symbols;
	uint64_t key;
	char port[PATH_MAX], abi[PATH_MAX], out[PATH_MAX];
};

static const char usage[] =
	"usage: lguest-graft [-fnq] [-k HEADERS] [-o OUT] [-p PORT] VMLINUZ\n"
	"\n"
	"Makes a guest of a distribution's kernel, and says where it is.\n"
	"\n"
	"  -k, --headers=FOLDER  the kernel's headers, if not where its "
	"package\n"
	"                        puts them\n"
	"  -o, --output=FILE     what to write, not " KERNELS "/\n"
	"                        vmlinuz-VERSION.lguest (not root: in "
	"~/.cache)\n"
	"  -p, --port=FOLDER     the sources of the port\n"
	"  -f, --force           even if it is there already\n"
	"  -n, --dry-run         make nothing; status 5: it is still to be "
	"made\n"
	"  -q, --quiet           no progress\n"
	"  -h, --help            this\n";

static const struct option longs[] = {
	{ "headers", required_argument, NULL, 'k' },
	{ "output", required_argument, NULL, 'o' },
	{ "port", required_argument, NULL, 'p' },
	{ "force", no_argument, NULL, 'f' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void say(const struct work *work, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct work *work, const char *fmt, ...)
{
	va_list args;

	if (work->options->quiet)
		return;
	fputs("lguest-graft: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- where things are ---- */

/* Installed or in the tree: seen from where we are ourselves. */
static enum end find_port(struct work *work, struct why *why)
{
	static const char *const places[][2] = {
		{ "../lib/lguest/linux/port", "../include/lguest" },
		{ "../guestos/linux/port", "../hypervisor/include/lguest" },
		{ "../../guestos/linux/port",
		  "../../hypervisor/include/lguest" },
	};
	char self[PATH_MAX], base[PATH_MAX];
	size_t i, n = sizeof(places) / sizeof(places[0]);
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len < 0 ? 0 : len] = '\0';
	snprintf(base, sizeof(base), "%s", dirname(self));
	for (i = 0; i < n; i++) {
		snprintf(work->port, sizeof(work->port), "%.*s/%s", 2048, base,
			 places[i][0]);
		snprintf(work->abi, sizeof(work->abi), "%.*s/%s", 2048, base,
			 places[i][1]);
		if (!access(work->port, X_OK) && !access(work->abi, X_OK))
			break;
	}
	if (i == n)
		return why_say(why, END_LACKING,
			       "no sources of the port in %s/%s; install "
			       "lguest again, or say -p",
			       base, places[0][0]);
	work->build.port =
		work->options->port ? work->options->port : work->port;
	work->build.abi = work->abi;
	return END_DONE;
}

static enum end make_folders(char *path, struct why *why)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return why_say(why, END_FAILED, "'%s': %s", path,
				       strerror(errno));
		*slash = '/';
	}
	return END_DONE;
}

/* Everybody's if we are root, or our own; everybody's too if it is right. */
static void choose_out(struct work *work)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const char *release = work->image.release;

	if (work->options->out) {
		snprintf(work->out, sizeof(work->out), "%s",
			 work->options->out);
		return;
	}
	snprintf(work->out, sizeof(work->out), KERNELS "/vmlinuz-%s.lguest",
		 release);
	if (!geteuid() || write_key(work->out) == work->key)
		return;
	if (cache && *cache == '/')
		snprintf(work->out, sizeof(work->out),
			 "%.2048s/lguest/vmlinuz-%s.lguest", cache, release);
	else
		snprintf(work->out, sizeof(work->out),
			 "%.2048s/.cache/lguest/vmlinuz-%s.lguest",
			 home ? home : "", release);
}

/* ---- the steps ---- */

/* The version is in the boot header as well, which is not the kernel. */
static enum end check_kernel(const struct work *work, struct why *why)
{
	static const char words[] = "Linux version ";
	const char *release = work->image.release;
	size_t n = strlen(release);
	const uint8_t *banner;
	uint64_t address;

	if (symbols_find(&work->symbols, "xen_start_kernel", &address) ==
	    SYMBOL_NONE)
		return why_say(why, END_REFUSED,
			       "kernel %s was built without CONFIG_XEN_PV, "
			       "whose operations the port needs",
			       release);
	if (symbols_find(&work->symbols, "linux_banner", &address) !=
	    SYMBOL_ONE)
		address = 0;
	banner = image_at(&work->image, address, sizeof(words) + n);
	if (!banner || memcmp(banner, words, sizeof(words) - 1) != 0 ||
	    memcmp(banner + sizeof(words) - 1, release, n) != 0)
		return why_say(why, END_REFUSED,
			       "a damaged kernel: its boot header says %s, and "
			       "what is packed in it does not",
			       release);
	return END_DONE;
}

static enum end read_kernel(struct work *work, struct why *why)
{
	struct image *image = &work->image;
	const char *name = unpack_name(image->file.data + image->payload,
				       image->payload_bytes);
	enum end end;

	say(work, "1/4 unpacking kernel %s (%.1f MiB of %s)", image->release,
	    (double)image->payload_bytes / MIB, name ? name : "what?");
	end = image_unpack(image, why);
	if (end == END_DONE) {
		say(work, "2/4 reading its symbols (%.1f MiB unpacked)",
		    (double)image->elf.size / MIB);
		end = symbols_read(&work->symbols, image, why);
	}
	return end == END_DONE ? check_kernel(work, why) : end;
}

static enum end join(struct work *work, struct why *why)
{
	struct graft graft = { .image = &work->image,
			       .symbols = &work->symbols };
	char object[PATH_MAX];
	enum end end = build_begin(&work->build, why);

	if (end == END_DONE) {
		say(work, "3/4 compiling the port with %s and %s",
		    work->headers.compiler, work->headers.path);
		end = build_port(&work->build, &work->headers, object,
				 sizeof(object), why);
	}
	if (end == END_DONE) {
		say(work, "4/4 linking it with %zu symbols, and checking",
		    work->symbols.count);
		end = link_port(&graft, &work->build, object, why);
	}
	if (end == END_DONE)
		end = link_check(&graft, why);
	if (end == END_DONE)
		end = detour_all(&graft, why);
	if (end == END_DONE)
		end = make_folders(work->out, why);
	if (end == END_DONE)
		end = write_graft(&graft, work->out, work->key, why);
	object_close(&graft.port);
	build_end(&work->build);
	return end;
}

static enum end graft(struct work *work, struct why *why)
{
	const struct options *options = work->options;
	enum end end = image_open(&work->image, options->image, why);

	if (end == END_DONE)
		end = find_port(work, why);
	if (end == END_DONE)
		end = build_knows(&work->build, work->image.release, why);
	if (end == END_DONE)
		end = headers_find(&work->headers, work->image.release,
				   options->headers, why);
	if (end == END_DONE)
		end = key_of(&work->image, &work->headers, &work->build,
			     &work->key, why);
	if (end != END_DONE)
		return end;
	choose_out(work);
	if (!options->force && write_key(work->out) == work->key) {
		say(work, "'%s': already made", work->out);
		return END_DONE;
	}
	if (options->dry)
		return why_say(why, END_UNMADE, "not made yet");
	end = read_kernel(work, why);
	return end == END_DONE ? join(work, why) : end;
}

static bool parse(struct options *options, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "k:o:p:fnqh", longs, NULL)) != -1) {
		switch (c) {
		case 'k':
			options->headers = optarg;
			break;
		case 'o':
			options->out = optarg;
			break;
		case 'p':
			options->port = optarg;
			break;
		case 'f':
			options->force = true;
			break;
		case 'n':
			options->dry = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(END_DONE);
		default:
			return false;
		}
	}
	options->image = argv[optind];
	return optind == argc - 1;
}

int main(int argc, char **argv)
{
	struct options options = { .image = NULL };
	static struct work work;
	struct why why;
	enum end end;

	if (!parse(&options, argc, argv)) {
		fputs(usage, stderr);
		return END_USAGE;
	}
	work.options = &options;
	end = graft(&work, &why);
	if (end == END_DONE)
		puts(work.out);
	else if (end != END_UNMADE || !options.quiet)
		fprintf(stderr, "lguest-graft: '%s': %s\n", options.image,
			why.text);
	symbols_free(&work.symbols);
	image_close(&work.image);
	return (int)end;
}
