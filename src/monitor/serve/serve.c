/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/serve/serve.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf.h"
#include "monitor/host/dns.h"
#include "monitor/serve/lookup.h"
#include "monitor/serve/certs.h"
#include "monitor/host/network.h"
#include "monitor/serve/pam.h"
#include "monitor/host/sockets.h"
#include "proc/pam_chat.h"
#include "proc/request.h"

#define SERVER	   0x1
#define CLIENT	   0x2
#define CLIENT_TUN 0x4
#define ANY	   (SERVER | CLIENT | CLIENT_TUN)
#define ANY_CLIENT (CLIENT | CLIENT_TUN)
#define NEVER	   (INT64_MAX / 64) /* until it is due; sums must not overflow */

/* Each returns NULL, or which rule was broken. */
typedef const char *serve_fn(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg);

static serve_fn serve_resolve, serve_connect, serve_lanes, serve_network,
    serve_dns, serve_down, serve_pam, serve_reload, serve_in_force;

/* Above what an engine does in its busiest minute. */
static const struct permit {
	enum request type;
	unsigned     roles;
	size_t	     size; /* of its struct */
	unsigned     burst;
	int64_t	     interval_us;
	serve_fn    *serve; /* NULL: the caller's to do */
} permits[] = {
#define SIZE(name) sizeof(struct request_##name)
	{ REQUEST_READY, ANY, 0, 1, NEVER, NULL },
	{ REQUEST_RESOLVE, ANY_CLIENT, SIZE(server), 32, MONO_SEC / 4,
	    serve_resolve },
	{ REQUEST_CONNECT, ANY_CLIENT, SIZE(server), 64, MONO_SEC / 8,
	    serve_connect },
	{ REQUEST_LANES, ANY_CLIENT, SIZE(server), 64, MONO_SEC / 8,
	    serve_lanes },
	{ REQUEST_NETWORK, CLIENT_TUN, SIZE(network), 16, MONO_SEC / 2,
	    serve_network },
	{ REQUEST_DNS, CLIENT_TUN, SIZE(nameservers), 16, MONO_SEC / 2,
	    serve_dns },
	{ REQUEST_DOWN, CLIENT_TUN, 0, 16, MONO_SEC / 2, serve_down },
	{ REQUEST_PAM, SERVER, SIZE(pam), PAM_CHAT_BURST,
	    MONO_SEC / PAM_CHAT_PER_SEC, serve_pam },
	{ REQUEST_PONG, ANY, 0, 32, MONO_SEC / 16, NULL },
	{ REQUEST_IN_FORCE, ANY, SIZE(in_force), 64, MONO_SEC / 16,
	    serve_in_force },
	{ REQUEST_RELOAD, ANY, SIZE(reload), 64, MONO_SEC / 64, serve_reload },
#undef SIZE
};
static_assert(nitems(permits) <= SERVE_MAX_KINDS, "a bucket for each");

static const struct permit *find_permit(uint16_t type);
static const char *check(struct serve *serve, const struct permit *permit,
    const struct chan_msg *msg);
static unsigned role_of(const struct conf *conf);
static const char *answer(struct chan *engine, const struct chan_msg *msg,
    int r, const char *why, int *fds, unsigned nfds);

void
serve_reset(struct serve *serve)
{
	serve->condemned = false;
	memset(serve->buckets, 0, sizeof(serve->buckets));
}

int
serve_request(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	const struct permit *permit = find_permit(msg->type);
	const char	    *broken;

	if (serve->condemned)
		return 0;
	broken = check(serve, permit, msg);
	if (broken == NULL && permit->serve == NULL)
		return msg->type;
	if (broken == NULL)
		broken = permit->serve(serve, engine, msg);
	if (broken == NULL)
		return 0;
	serve->condemned = true;
	log_warnx("engine: request %u: %s; it is killed", msg->type, broken);
	return -1;
}

int
serve_resolved(struct chan *engine, uint32_t id, const struct endpoint *list,
    unsigned n)
{
	struct request_list answer = { .n = n };

	assert(n <= REQUEST_MAX_ENDPOINTS);
	for (unsigned i = 0; i < n; i++) {
		answer.port = endpoint_port(&list[i]);
		answer.list[i] = endpoint_addr(&list[i]);
	}
	return chan_send(engine, REQUEST_RESOLVE, id, &answer, sizeof(answer),
	    NULL, 0);
}

static const struct permit *
find_permit(uint16_t type)
{
	for (size_t i = 0; i < nitems(permits); i++) {
		if (permits[i].type == type)
			return &permits[i];
	}
	return NULL;
}

static const char *
check(struct serve *serve, const struct permit *permit,
    const struct chan_msg *msg)
{
	if (permit == NULL)
		return "unknown";
	if ((permit->roles & role_of(serve->conf)) == 0)
		return "not allowed in this role";
	if (msg->len != permit->size)
		return "its length is wrong";
	if (msg->nfds != 0)
		return "comes with descriptors";
	if (!bucket_take(&serve->buckets[permit - permits], permit->burst,
		permit->interval_us, mono_now()))
		return "too many requests of this type";
	return NULL;
}

static unsigned
role_of(const struct conf *conf)
{
	if (conf->role == CONF_SERVER)
		return SERVER;
	return conf->mode == CONF_TUN ? CLIENT_TUN : CLIENT;
}

/* A number that we did not send changes nothing. */
static const char *
serve_in_force(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	struct request_in_force in_force;

	chan_get(msg, &in_force, sizeof(in_force));
	if (in_force.kind >= REQUEST_CERTS_KINDS)
		return "malformed";
	certs_in_force(serve->certs, in_force.kind, in_force.number);
	return NULL;
}

/* News are sent before the answer. */
static const char *
serve_reload(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	struct request_reload reload;
	bool		      taken;

	chan_get(msg, &reload, sizeof(reload));
	if (reload.all > 1)
		return "its scope is wrong";
	taken = serve->on_reload(serve->arg, reload.all == 1);
	return answer(engine, msg, taken ? 0 : -ECANCELED, "", NULL, 0);
}

/* serve_resolved() sends the answer, perhaps later. */
static const char *
serve_resolve(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	struct request_server server;

	chan_get(msg, &server, sizeof(server));
	return lookup_ask(serve->lookup, server.which, msg->id) ?
	    NULL :
	    "there is no such hub, or too many at once";
}

static const char *
serve_connect(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	struct request_server  server;
	const struct endpoint *endpoint;
	int		       fd = -EINVAL;

	chan_get(msg, &server, sizeof(server));
	endpoint = lookup_get(serve->lookup, server.which, server.index);
	/* Not a violation: the list may have become shorter meanwhile. */
	if (endpoint != NULL)
		fd = sockets_connect(endpoint, conf_mark(serve->conf));
	return answer(engine, msg, fd, "", &fd, 1);
}

static const char *
serve_lanes(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	struct request_server  server;
	const struct endpoint *endpoint;
	int		       fds[CONF_MAX_WORKERS], r = -EINVAL;

	chan_get(msg, &server, sizeof(server));
	if (server.count < 1 || server.count > CONF_MAX_WORKERS)
		return "its count is wrong";
	if (server.which == REQUEST_PROXY)
		return "a proxy has no lanes";
	endpoint = lookup_get(serve->lookup, server.which, server.index);
	if (endpoint != NULL)
		r = sockets_lanes(endpoint, conf_mark(serve->conf), fds,
		    server.count);
	if (r > 0 && (serve->conf->no_offloads &
			 CONF_OFFLOAD_BIT(CONF_OFFLOAD_GRO)) == 0)
		sockets_merge(fds, server.count);
	return answer(engine, msg, r, "", fds, server.count);
}

static const char *
serve_network(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	struct request_network *network = calloc(1, sizeof(*network));
	char			why[256] = "";
	int			r = -ENOMEM;

	if (network != NULL) {
		chan_get(msg, network, sizeof(*network));
		if (!request_prefixes_are_good(network->addresses,
			network->naddresses, REQUEST_MAX_ADDRESSES) ||
		    !request_prefixes_are_good(network->routes,
			network->nroutes, REQUEST_MAX_ROUTES)) {
			free(network);
			return "malformed";
		}
		r = network_assign(serve->network, network, why, sizeof(why));
		free(network);
	}
	return answer(engine, msg, r, why, NULL, 0);
}

static const char *
serve_dns(struct serve *serve, struct chan *engine, const struct chan_msg *msg)
{
	struct request_nameservers *dns = calloc(1, sizeof(*dns));
	struct dns_list		    list = { .all = false };
	char			    why[256] = "";
	bool			    good;
	int			    r;

	if (dns == NULL)
		return answer(engine, msg, -ENOMEM, why, NULL, 0);
	chan_get(msg, dns, sizeof(*dns));
	good = request_addrs_are_good(dns->servers, dns->nservers,
	    REQUEST_MAX_DNS) && dns->ndomains <= REQUEST_MAX_DOMAINS;
	for (uint32_t i = 0; good && i < dns->ndomains; i++)
		good = request_text_is_good(dns->domains[i]);
	if (good) {
		list.nservers = dns->nservers;
		list.ndomains = dns->ndomains;
		memcpy(list.servers, dns->servers, sizeof(list.servers));
		memcpy(list.domains, dns->domains, sizeof(list.domains));
	}
	free(dns);
	if (!good)
		return "malformed";
	r = network_set_dns(serve->network, &list, why, sizeof(why));
	return answer(engine, msg, r, why, NULL, 0);
}

static const char *
serve_down(struct serve *serve, struct chan *engine, const struct chan_msg *msg)
{
	network_down(serve->network);
	return NULL;
}

/*
 * Any name is allowed: for names that are not sites with PAM the helper says
 * no, in the same time.  But at least one site must use PAM; no violation, since
 * the last one may have gone in a reload that the engine did not know of yet.
 */
static const char *
serve_pam(struct serve *serve, struct chan *engine, const struct chan_msg *msg)
{
	struct request_pam pam;
	struct addr	   from;
	int		   fd = -ENOENT;

	chan_get(msg, &pam, sizeof(pam));
	if (!request_text_is_good(pam.site) ||
	    !request_text_is_good(pam.address) ||
	    !addr_parse(&from, pam.address))
		return "malformed";
	if (pam_is_used(serve->conf))
		fd = pam_begin(serve->pam, serve->conf, pam.site, pam.address);
	return answer(engine, msg, fd, "", &fd, 1);
}

/*
 * Sends the descriptors unless `r` is an error; then closes ours, since the
 * engine has its own.
 */
static const char *
answer(struct chan *engine, const struct chan_msg *msg, int r, const char *why,
    int *fds, unsigned nfds)
{
	struct request_result result = { .error = r < 0 ? (uint32_t)-r : 0 };

	if (r < 0)
		nfds = 0;
	strlcpy(result.why, why, sizeof(result.why));
	r = chan_send(engine, msg->type, msg->id, &result, sizeof(result), fds,
	    nfds);
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
	/* An engine that asks without reading would fill our memory. */
	return r < 0 && r != -EPIPE ? "its answer cannot be sent" : NULL;
}
