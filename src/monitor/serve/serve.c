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
#define NEVER	   (INT64_MAX / 64) /* is the next one due; some of them add up */

/* Each returns NULL, or the rule that was broken. */
typedef const char *serve_fn(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg);

static serve_fn serve_ready, serve_resolve, serve_connect, serve_lanes,
    serve_network, serve_dns, serve_down, serve_pam, serve_stop, serve_reload,
    serve_pong, serve_verified, serve_in_force;

/* What an engine does in its worst minute, and some more. */
static const struct permit {
	enum request type;
	unsigned     roles;
	size_t	     min_len;
	size_t	     max_len;
	unsigned     burst;
	int64_t	     interval_us;
	serve_fn    *serve;
} permits[] = {
	{ REQUEST_READY,   ANY,        0, 0, 1,  NEVER,          serve_ready },
	{ REQUEST_RESOLVE, ANY_CLIENT, 1, 1, 32, MONO_SEC / 4,   serve_resolve },
	{ REQUEST_CONNECT, ANY_CLIENT, 2, 2, 64, MONO_SEC / 8,   serve_connect },
	{ REQUEST_LANES,   ANY_CLIENT, 3, 3, 64, MONO_SEC / 8,   serve_lanes },
	{ REQUEST_NETWORK, CLIENT_TUN, 3, CHAN_MAX_PAYLOAD, 16, MONO_SEC / 2,
	    serve_network },
	{ REQUEST_DNS,     CLIENT_TUN, 2, CHAN_MAX_PAYLOAD, 16, MONO_SEC / 2,
	    serve_dns },
	{ REQUEST_DOWN,    CLIENT_TUN, 0, 0, 16, MONO_SEC / 2,   serve_down },
	{ REQUEST_PAM,     SERVER,     4, 160, PAM_CHAT_BURST,
	    MONO_SEC / PAM_CHAT_PER_SEC, serve_pam },
	{ REQUEST_STOP,    ANY,        0, 0, 4,  NEVER,          serve_stop },
	{ REQUEST_PONG,    ANY,        0, 0, 32, MONO_SEC / 16,  serve_pong },
	{ REQUEST_VERIFIED, ANY_CLIENT, 0, 0, 8, 60 * MONO_SEC, serve_verified },
	{ REQUEST_IN_FORCE, ANY,       5, 5, 64, MONO_SEC / 16,  serve_in_force },
	{ REQUEST_RELOAD,  ANY,        1, 1, 64, MONO_SEC / 64,  serve_reload },
};
static_assert(nitems(permits) <= SERVE_MAX_KINDS, "a bucket for each");

struct assignment {
	struct prefix addresses[REQUEST_MAX_ADDRESSES];
	size_t	      naddresses;
	struct prefix routes[REQUEST_MAX_ROUTES];
	size_t	      nroutes;
};

static const char *check_and_serve(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg);
static unsigned role_of(const struct conf *conf);
static bool	decode_assignment(struct assignment *assignment,
	const struct chan_msg *msg);
static bool	decode_dns(struct dns_list *list, const struct chan_msg *msg);
static const char *answer_why(struct chan *engine, const struct chan_msg *msg,
    int r, const char *why);
static const char *answer_fds(struct chan *engine, const struct chan_msg *msg,
    int error, int *fds, unsigned nfds);
static const char *sent(int r);

void
serve_reset(struct serve *serve)
{
	serve->condemned = false;
	memset(serve->buckets, 0, sizeof(serve->buckets));
}

void
serve_request(struct serve *serve, struct chan *engine, struct chan_msg *msg)
{
	const char *broken;

	if (serve->condemned)
		return;
	broken = check_and_serve(serve, engine, msg);
	if (broken == NULL)
		return;
	serve->condemned = true;
	log_warnx("engine: request %u: %s; it is ended", msg->type, broken);
	serve->on_violation(serve->arg);
}

int
serve_resolved(struct chan *engine, uint32_t id, const struct endpoint *list,
    unsigned n)
{
	struct wire_writer w;
	uint8_t		   buf[1 + REQUEST_MAX_ENDPOINTS * 20];

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, (uint8_t)n);
	for (unsigned i = 0; i < n; i++)
		request_put_endpoint(&w, &list[i]);
	assert(wire_writer_is_ok(&w));
	return chan_send(engine, REQUEST_RESOLVE, id, buf, w.len, NULL, 0);
}

static const char *
check_and_serve(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	const struct permit *permit = NULL;
	size_t		     i;

	for (i = 0; i < nitems(permits); i++) {
		if (permits[i].type == msg->type) {
			permit = &permits[i];
			break;
		}
	}
	if (permit == NULL)
		return "unknown";
	if ((permit->roles & role_of(serve->conf)) == 0)
		return "not allowed in this role";
	if (msg->len < permit->min_len || msg->len > permit->max_len)
		return "its length is wrong";
	if (msg->nfds != 0)
		return "comes with descriptors";
	if (!bucket_take(&serve->buckets[i], permit->burst,
		permit->interval_us, mono_now()))
		return "too many of them";
	return permit->serve(serve, engine, msg);
}

static unsigned
role_of(const struct conf *conf)
{
	if (conf->role == CONF_SERVER)
		return SERVER;
	return conf->mode == CONF_TUN ? CLIENT_TUN : CLIENT;
}

static const char *
serve_ready(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	(void)engine;
	(void)msg;
	serve->on_ready(serve->arg);
	return NULL;
}

static const char *
serve_stop(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	(void)engine;
	(void)msg;
	serve->on_stop(serve->arg);
	return NULL;
}

static const char *
serve_pong(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	(void)engine;
	(void)msg;
	serve->on_pong(serve->arg);
	return NULL;
}

static const char *
serve_verified(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	(void)engine;
	(void)msg;
	serve->on_verified(serve->arg);
	return NULL;
}

/* What is not its to say changes nothing: the numbers are ours. */
static const char *
serve_in_force(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	(void)engine;
	if (msg->data[0] >= REQUEST_MATERIALS)
		return "malformed";
	certs_in_force(serve->material, (enum request_material)msg->data[0],
	    wire_read_u32(msg->data + 1));
	return NULL;
}

/* What it brings goes out before the answer. */
static const char *
serve_reload(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	uint8_t taken;

	if (msg->data[0] > 1)
		return "its scope is wrong";
	taken = serve->on_reload(serve->arg, msg->data[0] == 1);
	return sent(chan_send(engine, REQUEST_RELOAD, msg->id, &taken, 1, NULL,
	    0));
}

/* The answer goes out by serve_resolved(), perhaps later. */
static const char *
serve_resolve(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	(void)engine;
	return lookup_ask(serve->lookup, msg->data[0], msg->id) ?
	    NULL :
	    "there is no such server, or too many at once";
}

static const char *
serve_connect(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	const struct endpoint *server = lookup_get(serve->lookup,
	    msg->data[0], msg->data[1]);
	int fd = server != NULL ? sockets_connect(server,
				  conf_mark(serve->conf)) : -EINVAL;

	/* No violation: the list may have become shorter meanwhile. */
	return answer_fds(engine, msg, fd < 0 ? -fd : 0, &fd, fd < 0 ? 0 : 1);
}

static const char *
serve_lanes(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	const struct endpoint *server = lookup_get(serve->lookup,
	    msg->data[0], msg->data[1]);
	unsigned	       count = msg->data[2];
	int		       fds[CONF_MAX_WORKERS], r;

	if (count < 1 || count > CONF_MAX_WORKERS)
		return "its count is wrong";
	if (msg->data[0] == REQUEST_PROXY)
		return "a proxy has no lanes";
	r = server != NULL ? sockets_lanes(server, conf_mark(serve->conf), fds,
				 count) : -EINVAL;
	if (r > 0 && (serve->conf->no_offloads &
			 CONF_OFFLOAD_BIT(CONF_OFFLOAD_GRO)) == 0)
		sockets_merge(fds, count);
	return answer_fds(engine, msg, r < 0 ? -r : 0, fds, r < 0 ? 0 : count);
}

static const char *
serve_network(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg)
{
	struct assignment *assignment = calloc(1, sizeof(*assignment));
	char		   why[256] = "";
	int		   r = -ENOMEM;

	if (assignment != NULL && !decode_assignment(assignment, msg)) {
		free(assignment);
		return "malformed";
	}
	if (assignment != NULL)
		r = network_assign(serve->network, assignment->addresses,
		    assignment->naddresses, assignment->routes,
		    assignment->nroutes, why, sizeof(why));
	free(assignment);
	return answer_why(engine, msg, r, why);
}

static const char *
serve_dns(struct serve *serve, struct chan *engine, const struct chan_msg *msg)
{
	struct dns_list *list = calloc(1, sizeof(*list));
	char		 why[256] = "";
	int		 r = -ENOMEM;

	if (list != NULL && !decode_dns(list, msg)) {
		free(list);
		return "malformed";
	}
	if (list != NULL)
		r = network_set_dns(serve->network, list, why, sizeof(why));
	free(list);
	return answer_why(engine, msg, r, why);
}

static const char *
serve_down(struct serve *serve, struct chan *engine, const struct chan_msg *msg)
{
	(void)engine;
	(void)msg;
	network_down(serve->network);
	return NULL;
}

/*
 * Any name may be asked about: the helper says no to those that are not PAM's,
 * in the time that it takes.  But there must be some that are.
 */
static const char *
serve_pam(struct serve *serve, struct chan *engine, const struct chan_msg *msg)
{
	struct wire_reader r;
	struct addr	   from;
	char		   site[CONF_NAME_MAX + 1], address[ADDR_STRLEN];
	int		   fd;

	wire_reader_init(&r, msg->data, msg->len);
	wire_get_string(&r, site, sizeof(site));
	wire_get_string(&r, address, sizeof(address));
	if (!wire_is_done(&r) || !addr_parse(&from, address))
		return "malformed";
	if (!pam_is_used(serve->conf))
		return "there is no site that uses PAM";
	if (!conf_is_site_name(site))
		strlcpy(site, "nobody", sizeof(site));
	fd = pam_begin(serve->pam, serve->conf, site, address);
	return answer_fds(engine, msg, fd < 0 ? -fd : 0, &fd, fd < 0 ? 0 : 1);
}

static bool
decode_assignment(struct assignment *assignment, const struct chan_msg *msg)
{
	struct wire_reader r;

	wire_reader_init(&r, msg->data, msg->len);
	assignment->naddresses = wire_get_u8(&r);
	if (assignment->naddresses > REQUEST_MAX_ADDRESSES)
		return false;
	for (size_t i = 0; i < assignment->naddresses; i++)
		request_get_prefix(&r, &assignment->addresses[i]);
	assignment->nroutes = wire_get_u16(&r);
	if (assignment->nroutes > REQUEST_MAX_ROUTES)
		return false;
	for (size_t i = 0; i < assignment->nroutes; i++)
		request_get_prefix(&r, &assignment->routes[i]);
	return wire_is_done(&r);
}

static bool
decode_dns(struct dns_list *list, const struct chan_msg *msg)
{
	struct wire_reader r;

	wire_reader_init(&r, msg->data, msg->len);
	list->nservers = wire_get_u8(&r);
	if (list->nservers > CONF_MAX_DNS)
		return false;
	for (size_t i = 0; i < list->nservers; i++)
		request_get_addr(&r, &list->servers[i]);
	list->ndomains = wire_get_u8(&r);
	if (list->ndomains > CONF_MAX_DOMAINS)
		return false;
	for (size_t i = 0; i < list->ndomains; i++)
		wire_get_string(&r, list->domains[i],
		    sizeof(list->domains[i]));
	return wire_is_done(&r);
}

static const char *
answer_why(struct chan *engine, const struct chan_msg *msg, int r,
    const char *why)
{
	struct wire_writer w;
	uint8_t		   buf[512];

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u32(&w, r < 0 ? (uint32_t)-r : 0);
	wire_put_string(&w, why);
	return sent(chan_send(engine, msg->type, msg->id, buf, w.len, NULL, 0));
}

/* Ours are closed: the engine has its own now. */
static const char *
answer_fds(struct chan *engine, const struct chan_msg *msg, int error,
    int *fds, unsigned nfds)
{
	uint8_t buf[4];
	int	r;

	wire_write_u32(buf, (uint32_t)error);
	r = chan_send(engine, msg->type, msg->id, buf, sizeof(buf), fds, nfds);
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
	return sent(r);
}

/* One that asks and does not read fills our memory. */
static const char *
sent(int r)
{
	return r < 0 && r != -EPIPE ? "its answer cannot be sent" : NULL;
}
