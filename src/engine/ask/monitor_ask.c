/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/monitor_ask.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "engine/ask/ask.h"

static_assert(REQUEST_MAX_DNS == CONF_MAX_DNS &&
	REQUEST_MAX_DOMAINS == CONF_MAX_DOMAINS &&
	REQUEST_DOMAIN_SIZE == CONF_DOMAIN_MAX + 1, "as the configuration's");

struct monitor_ask {
	struct ask	    ask;
	struct startup_recv news;
};

/* What callbacks are, without a name in the header. */
typedef void list_done(void *arg, const struct endpoint *list, unsigned n);
typedef void fds_done(void *arg, const int *fds, unsigned n, int error);
typedef void why_done(void *arg, int error, const char *why);

static bool on_news(void *arg, struct chan_msg *msg);
static void on_gone(void *arg);
static void put_prefixes(struct prefix *dst, const struct prefix *src,
    size_t n);
static bool get_result(const struct ask_pending *p, const struct chan_msg *msg,
    struct request_result *result);
static bool finish_list(const struct ask_pending *p, struct chan_msg *msg);
static bool finish_fds(const struct ask_pending *p, struct chan_msg *msg);
static bool finish_why(const struct ask_pending *p, struct chan_msg *msg);

struct monitor_ask *
monitor_ask_new(struct ev_loop *loop, int fd,
    const struct startup_recv_events *events, void *arg)
{
	struct monitor_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL) {
		close(fd);
		return NULL;
	}
	startup_recv_init(&ask->news, events, arg);
	ask->ask = (struct ask) { .whom = "monitor",
		.max = MONITOR_ASK_MAX_PENDING, .on_news = on_news,
		.on_gone = on_gone, .arg = ask };
	ask_init(&ask->ask);
	ask_open(&ask->ask, loop, fd);
	/* Before the keeper's: its verdict may be on a credential that is gone. */
	ev_io_stop(loop, &ask->ask.chan.reader);
	ev_set_priority(&ask->ask.chan.reader, EV_MAXPRI);
	ev_io_start(loop, &ask->ask.chan.reader);
	return ask;
}

void
monitor_ask_free(struct monitor_ask *ask)
{
	if (ask == NULL)
		return;
	ask_fini(&ask->ask);
	startup_recv_free(&ask->news);
	free(ask);
}

void
monitor_ask_tell(struct monitor_ask *ask, enum request type)
{
	ask_tell(&ask->ask, type, NULL, 0);
}

void
monitor_ask_in_force(struct monitor_ask *ask, enum request_certs kind,
    uint32_t number)
{
	const struct request_in_force in_force = { kind, number };

	ask_tell(&ask->ask, REQUEST_IN_FORCE, &in_force, sizeof(in_force));
}

int
monitor_ask_resolve(struct monitor_ask *ask, unsigned which,
    void (*done)(void *arg, const struct endpoint *list, unsigned n), void *arg)
{
	const struct request_server server = { .which = which };

	return ask_send(&ask->ask, REQUEST_RESOLVE, &server, sizeof(server),
	    0, finish_list, (ask_done *)done, arg);
}

int
monitor_ask_connect(struct monitor_ask *ask, unsigned which, unsigned index,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg)
{
	const struct request_server server = { which, index, 1 };

	if (index >= REQUEST_MAX_ENDPOINTS)
		return -EINVAL;
	return ask_send(&ask->ask, REQUEST_CONNECT, &server, sizeof(server),
	    1, finish_fds, (ask_done *)done, arg);
}

int
monitor_ask_lanes(struct monitor_ask *ask, unsigned which, unsigned index,
    unsigned count,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg)
{
	const struct request_server server = { which, index, count };

	if (index >= REQUEST_MAX_ENDPOINTS || count < 1 ||
	    count > CONF_MAX_WORKERS)
		return -EINVAL;
	return ask_send(&ask->ask, REQUEST_LANES, &server, sizeof(server),
	    count, finish_fds, (ask_done *)done, arg);
}

int
monitor_ask_network(struct monitor_ask *ask, const struct prefix *addresses,
    size_t naddresses, const struct prefix *routes, size_t nroutes,
    void (*done)(void *arg, int error, const char *why), void *arg)
{
	struct request_network	*network;
	int			 r;

	if (naddresses > REQUEST_MAX_ADDRESSES || nroutes > REQUEST_MAX_ROUTES)
		return -E2BIG;
	network = calloc(1, sizeof(*network));
	if (network == NULL)
		return -ENOMEM;
	network->naddresses = (uint32_t)naddresses;
	network->nroutes = (uint32_t)nroutes;
	put_prefixes(network->addresses, addresses, naddresses);
	put_prefixes(network->routes, routes, nroutes);
	r = ask_send(&ask->ask, REQUEST_NETWORK, network, sizeof(*network),
	    0, finish_why, (ask_done *)done, arg);
	free(network);
	return r;
}

int
monitor_ask_dns(struct monitor_ask *ask, const struct prefix *servers,
    size_t nservers, char *const *domains, size_t ndomains,
    void (*done)(void *arg, int error, const char *why), void *arg)
{
	struct request_nameservers dns = { .nservers = (uint32_t)nservers,
		.ndomains = (uint32_t)ndomains };

	if (nservers > REQUEST_MAX_DNS || ndomains > REQUEST_MAX_DOMAINS)
		return -E2BIG;
	for (size_t i = 0; i < nservers; i++)
		dns.servers[i] = servers[i].addr;
	for (size_t i = 0; i < ndomains; i++)
		strlcpy(dns.domains[i], domains[i], sizeof(dns.domains[i]));
	return ask_send(&ask->ask, REQUEST_DNS, &dns, sizeof(dns),
	    0, finish_why, (ask_done *)done, arg);
}

int
monitor_ask_pam(struct monitor_ask *ask, const char *site, const char *address,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg)
{
	struct request_pam pam = { .site = "" };

	if (strlcpy(pam.site, site, sizeof(pam.site)) >= sizeof(pam.site) ||
	    strlcpy(pam.address, address, sizeof(pam.address)) >=
		sizeof(pam.address))
		return -EINVAL;
	return ask_send(&ask->ask, REQUEST_PAM, &pam, sizeof(pam),
	    1, finish_fds, (ask_done *)done, arg);
}

int
monitor_ask_reload(struct monitor_ask *ask, bool all,
    void (*done)(void *arg, int error, const char *why), void *arg)
{
	const struct request_reload reload = { .all = all ? 1 : 0 };

	return ask_send(&ask->ask, REQUEST_RELOAD, &reload, sizeof(reload),
	    0, finish_why, (ask_done *)done, arg);
}

void
monitor_ask_cancel(struct monitor_ask *ask, const void *arg)
{
	ask_cancel(&ask->ask, arg);
}

static bool
on_news(void *arg, struct chan_msg *msg)
{
	struct monitor_ask *ask = arg;

	if (startup_recv_take(&ask->news, msg, STARTUP_LATER) < 0)
		return false;
	if (msg->type == REQUEST_PING)
		ask_tell(&ask->ask, REQUEST_PONG, NULL, 0);
	return true;
}

static void
on_gone(void *arg)
{
	struct monitor_ask *ask = arg;

	ask->news.events->on_gone(ask->news.arg);
}

/* One by one: there is padding in it. */
static void
put_prefixes(struct prefix *dst, const struct prefix *src, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		dst[i].addr = src[i].addr;
		dst[i].len = src[i].len;
	}
}

/* An error, or none and the descriptors that were asked for. */
static bool
get_result(const struct ask_pending *p, const struct chan_msg *msg,
    struct request_result *result)
{
	*result = (struct request_result) { .error = EPIPE };
	if (msg == NULL)
		return true;
	if (!chan_get(msg, result, sizeof(*result)) ||
	    !request_text_is_good(result->why) ||
	    msg->nfds != (result->error == 0 ? p->nfds : 0))
		return false;
	/* A positive errno value, whatever came. */
	if (result->error > 4095)
		result->error = EIO;
	return true;
}

static bool
finish_list(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_list list = { .n = 0 };
	struct endpoint	    endpoints[REQUEST_MAX_ENDPOINTS];

	if (msg != NULL &&
	    (!chan_get(msg, &list, sizeof(list)) || msg->nfds != 0 ||
		list.port > UINT16_MAX ||
		!request_addrs_are_good(list.list, list.n,
		    REQUEST_MAX_ENDPOINTS)))
		return false;
	for (uint32_t i = 0; i < list.n; i++)
		endpoints[i] = endpoint_make(&list.list[i],
		    (uint16_t)list.port);
	((list_done *)p->done)(p->arg, endpoints, list.n);
	return true;
}

static bool
finish_fds(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_result result;
	int		      fds[CHAN_MAX_FDS];
	unsigned	      n;

	if (!get_result(p, msg, &result))
		return false;
	n = result.error == 0 ? p->nfds : 0;
	for (unsigned i = 0; i < n; i++)
		fds[i] = chan_keep_fd(msg, i);
	((fds_done *)p->done)(p->arg, fds, n, (int)result.error);
	return true;
}

static bool
finish_why(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_result result;

	if (!get_result(p, msg, &result))
		return false;
	((why_done *)p->done)(p->arg, (int)result.error, result.why);
	return true;
}
