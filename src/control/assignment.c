/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/assignment.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "control/conn/message.h"
#include "engine/ask/monitor_ask.h"

#define PAUSE_US (1 * MONO_SEC)

static struct prefix *copy_prefixes(const struct prefix *list, size_t n);
static void release(struct assignment *assignment);
static void on_assigned(void *arg, int error, const char *why);
static void set_dns(struct assignment *assignment);
static void on_dns_set(void *arg, int error, const char *why);

void
assignment_init(struct assignment *assignment, struct monitor_ask *monitor,
    bool is_tun, assignment_done *on_done, void *arg)
{
	*assignment = (struct assignment) {
		.monitor = monitor,
		.is_tun = is_tun,
		.on_done = on_done,
		.arg = arg,
	};
}

void
assignment_take(struct assignment *assignment, const struct message *msg,
    struct mono now)
{
	if (!assignment->is_tun)
		return;
	release(assignment);
	assignment->addresses = copy_prefixes(msg->addresses, msg->naddresses);
	assignment->routes = copy_prefixes(msg->routes, msg->nroutes);
	assignment->dns = copy_prefixes(msg->dns, msg->ndns);
	assignment->domains = message_copy_domains(msg->domains, msg->ndomains);
	if (assignment->addresses == NULL || assignment->routes == NULL ||
	    assignment->dns == NULL || assignment->domains == NULL) {
		message_free_domains(assignment->domains,
		    assignment->domains != NULL ? msg->ndomains : 0);
		assignment->domains = NULL;
		assignment->on_done(assignment->arg, false, "out of memory");
		return;
	}
	assignment->naddresses = msg->naddresses;
	assignment->nroutes = msg->nroutes;
	assignment->ndns = msg->ndns;
	assignment->ndomains = msg->ndomains;
	assignment->is_new = true;
	assignment_tick(assignment, now);
}

void
assignment_tick(struct assignment *assignment, struct mono now)
{
	if (!assignment->is_new || assignment->asking ||
	    !mono_is_due(assignment->ask_next, now))
		return;
	assignment->is_new = false;
	assignment->asking = true;
	assignment->ask_next = mono_add(now, PAUSE_US);
	if (monitor_ask_network(assignment->monitor, assignment->addresses,
		assignment->naddresses, assignment->routes,
		assignment->nroutes, on_assigned, assignment) < 0)
		assignment->on_done(assignment->arg, false,
		    "the network could not be set");
}

void
assignment_forget(struct assignment *assignment)
{
	monitor_ask_cancel(assignment->monitor, assignment);
	assignment->asking = false;
	release(assignment);
}

void
assignment_down(struct assignment *assignment)
{
	if (assignment->is_tun)
		monitor_ask_tell(assignment->monitor, REQUEST_DOWN);
}

static struct prefix *
copy_prefixes(const struct prefix *list, size_t n)
{
	struct prefix *copy = calloc(n + 1, sizeof(*copy));

	if (copy != NULL && n > 0)
		memcpy(copy, list, n * sizeof(*copy));
	return copy;
}

static void
release(struct assignment *assignment)
{
	free(assignment->addresses);
	free(assignment->routes);
	free(assignment->dns);
	message_free_domains(assignment->domains, assignment->ndomains);
	assignment->addresses = assignment->routes = assignment->dns = NULL;
	assignment->domains = NULL;
	assignment->naddresses = assignment->nroutes = 0;
	assignment->ndns = assignment->ndomains = 0;
	assignment->is_new = false;
}

static void
on_assigned(void *arg, int error, const char *why)
{
	struct assignment *assignment = arg;

	assignment->asking = false;
	if (error != 0)
		assignment->on_done(assignment->arg, true, why);
	else
		set_dns(assignment);
}

/* Once they can be reached. */
static void
set_dns(struct assignment *assignment)
{
	if (monitor_ask_dns(assignment->monitor, assignment->dns,
		assignment->ndns, assignment->domains, assignment->ndomains,
		on_dns_set, assignment) < 0)
		assignment->on_done(assignment->arg, false,
		    "DNS could not be set");
}

static void
on_dns_set(void *arg, int error, const char *why)
{
	struct assignment *assignment = arg;

	assignment->on_done(assignment->arg, error != 0,
	    error != 0 ? why : NULL);
}
