// SPDX-License-Identifier: GPL-2.0-only
/*
 * request.c - method -> handler, and what each may be told
 *
 * All methods are rows of one table: what parameters they have, of what type,
 * whether descriptors may come with them, whether they change something.  A call
 * is held against its row before its handler sees it, so that a handler finds
 * what it expects and nothing else; a parameter that nobody asked for is refused
 * by its name, for it may be the one that mattered to the caller.
 *
 * What must never happen: that a path a client names is opened here.  We have
 * more rights than our clients; they open their files and pass descriptors.
 *
 * Long because each method that there is has its handler here.
 *
 * Where we stand: ctl.c has a client whose call is whole.  What can be answered
 * only when a guest has moved goes on in wait.c.  Start at request_serve(), at
 * the end.
 *
 * Next: daemon/call_files.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lguestd.h"

#define PARAMS_MAX 5

struct param {
	const char *name;
	json_type type; /* JSON_TRUE for either */
	bool must;
};

struct method {
	const char *name;
	void (*serve)(struct call *call);
	bool changes; /* who asked is worth a line in the log */
	bool takes_fds;
	struct param params[PARAMS_MAX];
};

static bool flag(const struct call *call, const char *name)
{
	return json_is_true(json_object_get(call->parameters, name));
}

static const char *text(const struct call *call, const char *name)
{
	return json_string_value(json_object_get(call->parameters, name));
}

/* ---- the daemon itself ---- */

static json_t *describe_device(struct lguestd *lguestd)
{
	const struct lg_info *info = &lguestd->info;

	if (!vm_device(lguestd))
		return json_pack("{s:b,s:s}", "offered", 0, "why",
				 lguestd->device_why.text);
	return json_pack("{s:b,s:s,s:i,s:i,s:I,s:i,s:i,s:i}", "offered", 1,
			 "why", "", "abi_min", (int)info->abi_min, "abi_max",
			 (int)info->abi_max, "features",
			 (json_int_t)info->features, "max_vcpus",
			 (int)info->max_vcpus, "tsc_khz", (int)info->tsc_khz,
			 "host_levels", (int)info->host_levels);
}

static void serve_get_info(struct call *call)
{
	struct lguestd *lguestd = call->lguestd;
	json_t *reply = json_pack(
		"{s:s,s:i,s:i,s:i,s:i,s:b,s:o}", "version", LGUEST_VERSION,
		"protocol", PROTO_VERSION, "abi", LG_ABI_VERSION, "pid",
		(int)getpid(), "guests", (int)lguestd->vm_count, "stopping",
		lguestd->stopping, "device", describe_device(lguestd));

	if (reply)
		call_reply(call, reply);
	else
		call_error(call, PROTO_E_FAILED, "no memory");
}

/* ---- guests ---- */

static void refuse_config(struct call *call, struct conf_report *report)
{
	call_error_with(call, PROTO_E_INVALID,
			json_pack("{s:s,s:s*}", "message",
				  "the configuration is not valid",
				  "complaints", report->text));
	conf_report_fini(report);
}

static void serve_create(struct call *call)
{
	struct vm_files files;
	struct conf_report report = { .text = NULL };
	struct why why = { .text = "" };
	struct conf_guest *conf;
	int r;

	if (conf_guest_from_json(json_object_get(call->parameters, "config"),
				 &report, &conf) < 0) {
		refuse_config(call, &report);
		return;
	}
	vm_files_init(&files);
	r = call_files(call, conf, &files, &why);
	if (r < 0) {
		vm_files_close(&files);
		conf_guest_free(conf);
		call_error(call, PROTO_E_INVALID, "%s", why.text);
		return;
	}
	log_say(LOG_LEVEL_INFO, conf->name, "create: asked by pid %d, uid %u",
		(int)call->pid, (unsigned int)call->uid);
	r = vm_create(call->lguestd, conf, &files, &why, &call->vm);
	if (r == 0 && flag(call, "paused"))
		vm_hold(call->vm);
	if (r < 0)
		wait_refused(call, r, &why);
	else if (flag(call, "wait"))
		wait_created(call);
	else
		call_reply(call, json_pack("{s:s,s:s}", "name",
					   vm_name(call->vm), "state",
					   vm_state_name(vm_state(call->vm))));
}

static void serve_destroy(struct call *call)
{
	vm_destroy(call->vm);
	wait_gone(call);
}

static void serve_stop(struct call *call)
{
	json_t *timeout = json_object_get(call->parameters, "timeout_s");
	json_int_t timeout_s = json_integer_value(timeout);
	bool force = flag(call, "force");
	struct why why = { .text = "" };
	int r;

	if (timeout_s < 0 || timeout_s > 86400) {
		call_error(call, PROTO_E_INVALID,
			   "timeout_s: not from 0 to 86400");
		return;
	}
	if (!timeout)
		timeout_s = vm_stop_timeout_s(call->vm);
	r = vm_stop(call->vm, (unsigned int)timeout_s, &why);
	if (r < 0 && force) {
		vm_destroy(call->vm);
		wait_gone(call);
	} else if (r < 0) {
		wait_refused(call, r, &why);
	} else {
		wait_stopped(call, force);
	}
}

static void simply(struct call *call, int (*change)(struct vm *, struct why *))
{
	struct why why = { .text = "" };
	int r = change(call->vm, &why);

	if (r < 0)
		wait_refused(call, r, &why);
	else
		call_reply(call, NULL);
}

static void serve_pause(struct call *call)
{
	simply(call, vm_pause);
}

static void serve_resume(struct call *call)
{
	simply(call, vm_resume);
}

static void serve_reset(struct call *call)
{
	simply(call, vm_reset);
}

static void serve_balloon(struct call *call)
{
	json_int_t bytes = json_integer_value(
		json_object_get(call->parameters, "memory_bytes"));
	struct why why = { .text = "" };
	int r;

	if (bytes <= 0) {
		call_error(call, PROTO_E_INVALID,
			   "memory_bytes: not more than 0");
		return;
	}
	r = vm_balloon(call->vm, (uint64_t)bytes, &why);
	if (r < 0)
		wait_refused(call, r, &why);
	else
		call_reply(call, NULL);
}

static void serve_resize(struct call *call)
{
	json_int_t columns = json_integer_value(
		json_object_get(call->parameters, "columns"));
	json_int_t rows =
		json_integer_value(json_object_get(call->parameters, "rows"));
	struct why why = { .text = "" };
	int r;

	if (columns < 0 || columns > UINT16_MAX || rows < 0 ||
	    rows > UINT16_MAX) {
		call_error(call, PROTO_E_INVALID,
			   "columns, rows: not from 0 to %d", UINT16_MAX);
		return;
	}
	r = vm_resize(call->vm, (unsigned int)columns, (unsigned int)rows,
		      &why);
	if (r < 0)
		wait_refused(call, r, &why);
	else
		call_reply(call, NULL);
}

static void serve_list(struct call *call)
{
	json_t *guests = json_array();
	struct vm *vm;

	for (vm = vm_first(call->lguestd); vm; vm = vm_next(vm))
		if (json_array_append_new(guests, vm_describe(vm)) < 0) {
			json_decref(guests);
			call_error(call, PROTO_E_FAILED, "no memory");
			return;
		}
	call_reply(call, json_pack("{s:o}", "guests", guests));
}

static void serve_info(struct call *call)
{
	json_t *info = vm_describe(call->vm);

	if (info)
		call_reply(call, info);
	else
		call_error(call, PROTO_E_FAILED, "no memory");
}

static void serve_wait(struct call *call)
{
	const char *name = text(call, "state");
	enum vm_state state;

	if (!name) {
		wait_ended(call);
		return;
	}
	for (state = VM_STARTING; state <= VM_GONE; state++)
		if (!strcmp(name, vm_state_name(state))) {
			wait_state(call, state);
			return;
		}
	call_error(call, PROTO_E_INVALID, "state: a guest is never '%s'", name);
}

static void serve_console(struct call *call)
{
	struct console_client client = { .write = flag(call, "write"),
					 .force = flag(call, "force"),
					 .follow = flag(call, "follow") };
	struct why why = { .text = "" };
	int r, fd = call_fd(call);

	if (fd < 0) {
		call_error(call, PROTO_E_BAD_MESSAGE,
			   "Guests.Console: more bytes before its answer");
		return;
	}
	r = console_attach(call->vm, fd, &client, &why);
	if (r < 0)
		wait_refused(call, r, &why);
	else
		call_given(call);
}

/* ---- the table, and what holds a call against it ---- */

#define NAME                              \
	{                                 \
		"name", JSON_STRING, true \
	}
#define ROW(its_name, handler) .name = its_name, .serve = handler

static const struct method methods[] = {
	{ ROW("Daemon.GetInfo", serve_get_info) },
	{ ROW("Daemon.Shutdown", shutdown_begin), .changes = true },
	{ ROW("Guests.Create", serve_create), .takes_fds = true,
	  .params = { { "config", JSON_OBJECT, true },
		      { "fds", JSON_OBJECT, true },
		      { "wait", JSON_TRUE, false },
		      { "paused", JSON_TRUE, false } } },
	{ ROW("Guests.Destroy", serve_destroy), .changes = true,
	  .params = { NAME } },
	{ ROW("Guests.Stop", serve_stop), .changes = true,
	  .params = { NAME,
		      { "timeout_s", JSON_INTEGER, false },
		      { "force", JSON_TRUE, false } } },
	{ ROW("Guests.Pause", serve_pause), .changes = true,
	  .params = { NAME } },
	{ ROW("Guests.Resume", serve_resume), .changes = true,
	  .params = { NAME } },
	{ ROW("Guests.Reset", serve_reset), .changes = true,
	  .params = { NAME } },
	{ ROW("Guests.Balloon", serve_balloon), .changes = true,
	  .params = { NAME, { "memory_bytes", JSON_INTEGER, true } } },
	{ ROW("Guests.Resize", serve_resize),
	  .params = { NAME,
		      { "columns", JSON_INTEGER, true },
		      { "rows", JSON_INTEGER, true } } },
	{ ROW("Guests.List", serve_list) },
	{ ROW("Guests.Info", serve_info), .params = { NAME } },
	{ ROW("Guests.Wait", serve_wait),
	  .params = { NAME, { "state", JSON_STRING, false } } },
	{ ROW("Guests.Console", serve_console),
	  .params = { NAME,
		      { "write", JSON_TRUE, false },
		      { "force", JSON_TRUE, false },
		      { "follow", JSON_TRUE, false } } },
};

static const struct method *find_method(const char *name)
{
	size_t i, prefix = strlen(PROTO_PREFIX);

	if (strncmp(name, PROTO_PREFIX, prefix) != 0)
		return NULL;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].name, name + prefix))
			return &methods[i];
	return NULL;
}

static const struct param *find_param(const struct method *method,
				      const char *name)
{
	const struct param *param = method->params;

	for (; param < method->params + PARAMS_MAX && param->name; param++)
		if (!strcmp(param->name, name))
			return param;
	return NULL;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_OBJECT:
		return "an object";
	default:
		return "true or false";
	}
}

/* Are its parameters what the method's row says?  If not, why leaves with it. */
static int check_params(const struct method *method, const json_t *parameters,
			struct why *why)
{
	const struct param *param;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)parameters, key, value) {
		param = find_param(method, key);
		if (!param)
			return why_say(why, -EINVAL,
				       "parameter '%.64s': %s has none of that "
				       "name",
				       key, method->name);
		if (param->type == JSON_TRUE
			    ? !json_is_boolean(value)
			    : json_typeof(value) != param->type)
			return why_say(why, -EINVAL, "parameter '%s': not %s",
				       key, type_name(param->type));
	}
	for (param = method->params;
	     param < method->params + PARAMS_MAX && param->name; param++)
		if (param->must && !json_object_get(parameters, param->name))
			return why_say(why, -EINVAL,
				       "parameter '%s': %s needs it",
				       param->name, method->name);
	return 0;
}

static int check_fds(const struct method *method, const struct call *call,
		     struct why *why)
{
	int i;

	for (i = 0; i < PROTO_FDS_MAX && !method->takes_fds; i++)
		if (call->fds[i] >= 0)
			return why_say(why, -EINVAL, "%s takes no descriptors",
				       method->name);
	return 0;
}

/* The guest that the call is about; if there is none, it has been answered. */
static bool find_guest(struct call *call)
{
	const char *name = text(call, "name");

	if (!conf_name_good(name)) {
		call_error(call, PROTO_E_INVALID,
			   "parameter 'name': not a name for a guest");
		return false;
	}
	call->vm = vm_find(call->lguestd, name);
	if (!call->vm)
		call_error(call, PROTO_E_NO_GUEST, "no such guest");
	return call->vm;
}

void request_serve(struct call *call)
{
	const struct method *method = find_method(call->method);
	struct why why = { .text = "" };

	call->vm = NULL;
	if (!method) {
		call_error(call, PROTO_E_NO_METHOD,
			   "there is no method '%s' (lguestd " LGUEST_VERSION
			   ")",
			   call->method);
		return;
	}
	call->method = method->name;
	if (check_params(method, call->parameters, &why) < 0 ||
	    check_fds(method, call, &why) < 0) {
		call_error(call, PROTO_E_INVALID, "%s", why.text);
		return;
	}
	if (find_param(method, "name") && !find_guest(call))
		return;
	if (method->changes)
		log_say(LOG_LEVEL_INFO, call->vm ? vm_name(call->vm) : NULL,
			"%s: asked by pid %d, uid %u", method->name,
			(int)call->pid, (unsigned int)call->uid);
	method->serve(call);
}
