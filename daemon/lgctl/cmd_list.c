// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_list.c - list, info: what guests there are, and all about one
 *
 * Next: daemon/lgctl/terminal.c
 */
#include <stdlib.h>
#include <string.h>

#include "lgctl.h"

static const char *text_of(const json_t *guest, const char *key)
{
	const char *text = json_string_value(json_object_get(guest, key));

	return text ? text : "";
}

static json_int_t number_of(const json_t *guest, const char *key)
{
	return json_integer_value(json_object_get(guest, key));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(text_of(*(json_t *const *)a, "name"),
		      text_of(*(json_t *const *)b, "name"));
}

static void add_row(struct table *table, const json_t *guest)
{
	char buf[32];

	table_add(table, text_of(guest, "name"));
	table_add(table, text_of(guest, "state"));
	snprintf(buf, sizeof(buf), "%d", (int)number_of(guest, "cpus"));
	table_add(table, buf);
	table_add(table, say_size((uint64_t)number_of(guest, "memory_bytes"),
				  buf, sizeof(buf)));
	table_add(table, say_age((uint64_t)number_of(guest, "since_us"), buf,
				 sizeof(buf)));
	table_add(table, text_of(guest, "why"));
}

static void print_table(json_t **guests, size_t count)
{
	static const char *const heads[] = { "NAME",   "STATE", "CPUS",
					     "MEMORY", "SINCE", "WHY" };
	struct table table = { .columns = 6 };
	size_t i;

	if (!count)
		return;
	for (i = 0; i < 6; i++)
		table_add(&table, heads[i]);
	for (i = 0; i < count; i++)
		add_row(&table, guests[i]);
	table_print(&table);
}

static void print_guests(const struct lgctl *ctl, json_t **guests, size_t count)
{
	size_t i;

	if (!ctl->json && !ctl->names) {
		print_table(guests, count);
		return;
	}
	for (i = 0; i < count; i++)
		if (ctl->json)
			say_json(json_incref(guests[i]));
		else
			puts(text_of(guests[i], "name"));
}

static enum proto_exit run_list(struct lgctl *ctl, int argc, char **argv)
{
	enum proto_exit status;
	struct reply reply;
	json_t *list, **guests;
	size_t i, count;

	(void)argc;
	(void)argv;
	status = client_call(ctl, NULL, "Guests.List", NULL, CLIENT_PROMPTLY,
			     &reply);
	if (status != EXIT_DONE) {
		reply_fini(&reply);
		return status;
	}
	list = json_object_get(reply.parameters, "guests");
	count = json_array_size(list);
	guests = calloc(count + 1, sizeof(*guests));
	if (!guests)
		abort();
	for (i = 0; i < count; i++)
		guests[i] = json_array_get(list, i);
	qsort(guests, count, sizeof(*guests), by_name);
	print_guests(ctl, guests, count);
	free(guests);
	reply_fini(&reply);
	return EXIT_DONE;
}

/* ---- info ---- */

static void add_value(struct table *table, const char *key, const json_t *value)
{
	char buf[32];

	if (json_is_string(value) && !*json_string_value(value))
		return;
	table_add(table, key);
	if (json_is_string(value)) {
		table_add(table, json_string_value(value));
	} else if (json_is_boolean(value)) {
		table_add(table, json_is_true(value) ? "yes" : "no");
	} else {
		snprintf(buf, sizeof(buf), "%lld",
			 (long long)json_integer_value(value));
		table_add(table, buf);
	}
}

/* Named as complaints name them, disks[0].file; jansson bounds the depth. */
static void add_values(struct table *table, const char *prefix,
		       const json_t *values)
{
	json_t *value;
	const char *key;
	char name[64];
	size_t i;

	if (!json_is_object(values) && !json_is_array(values))
		add_value(table, prefix, values);
	json_array_foreach((json_t *)(uintptr_t)values, i, value) {
		snprintf(name, sizeof(name), "%s[%zu]", prefix, i);
		add_values(table, name, value);
	}
	json_object_foreach((json_t *)(uintptr_t)values, key, value) {
		snprintf(name, sizeof(name), "%s%s%s", prefix,
			 *prefix ? "." : "", key);
		add_values(table, name, value);
	}
}

/* "console running", and why if there is something wrong; then its own words. */
static void add_devices(struct table *table, const json_t *devices)
{
	static const char *const said_already[] = { "name", "device", "slot",
						    "status", "why" };
	char key[48], said[1200];
	json_t *device;
	size_t i, j;

	json_array_foreach((json_t *)(uintptr_t)devices, i, device) {
		const char *why = text_of(device, "why");

		snprintf(key, sizeof(key), "device.%s",
			 text_of(device, "name"));
		snprintf(said, sizeof(said), "%s%s%s",
			 text_of(device, "status"), *why ? ": " : "", why);
		table_add(table, key);
		table_add(table, said);
		for (j = 0; j < sizeof(said_already) / sizeof(char *); j++)
			json_object_del(device, said_already[j]);
		add_values(table, key, device);
	}
}

static void print_info(json_t *guest)
{
	static const char *const shown[] = { "name",         "state",
					     "since_us",     "cpus",
					     "memory_bytes", "config",
					     "devices" };
	static const char *const again[] = { "name", "cpus", "memory" };
	json_t *config = json_object_get(guest, "config");
	struct table table = { .columns = 2 };
	char buf[32], state[64];
	size_t i;

	table_add(&table, "name");
	table_add(&table, text_of(guest, "name"));
	table_add(&table, "state");
	snprintf(state, sizeof(state), "%s for %s", text_of(guest, "state"),
		 say_age((uint64_t)number_of(guest, "since_us"), buf,
			 sizeof(buf)));
	table_add(&table, state);
	add_value(&table, "cpus", json_object_get(guest, "cpus"));
	table_add(&table, "memory");
	table_add(&table, say_size((uint64_t)number_of(guest, "memory_bytes"),
				   buf, sizeof(buf)));
	/* What has been said is not said again, and the rest in its order. */
	for (i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		json_object_del(config, again[i]);
	add_values(&table, "", config);
	add_devices(&table, json_object_get(guest, "devices"));
	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		json_object_del(guest, shown[i]);
	add_values(&table, "", guest);
	table_print(&table);
}

static enum proto_exit run_info(struct lgctl *ctl, int argc, char **argv)
{
	enum proto_exit status;
	struct reply reply;

	(void)argc;
	status = client_call(ctl, argv[0], "Guests.Info", client_named(argv[0]),
			     CLIENT_PROMPTLY, &reply);
	if (status == EXIT_DONE && ctl->json)
		status = say_json(json_incref(reply.parameters));
	else if (status == EXIT_DONE)
		print_info(reply.parameters);
	reply_fini(&reply);
	return status;
}

const struct cmd cmd_list = {
	.name = "list",
	.operands = "",
	.min = 0,
	.max = 0,
	.options = "N",
	.help = "list all guests",
	.run = run_list,
};

const struct cmd cmd_info = {
	.name = "info",
	.operands = "NAME",
	.min = 1,
	.max = 1,
	.options = "",
	.help = "say all about one guest",
	.run = run_info,
};
