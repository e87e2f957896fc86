/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/connector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/bucket.h"
#include "base/log.h"
#include "base/secret.h"
#include "control/reach/server_choice.h"
#include "control/reach/proxy_talk.h"
#include "control/reach/happy_eyeballs.h"
#include "control/reach/connect_refusals.h"

#define TEXT_SIZE 288
#define WHY_SIZE  256

enum step { IDLE, RESOLVE, CONNECT, PROXY };

struct connector {
	struct ev_loop		      *loop;
	const struct conf	      *conf;
	struct keeper_ask	      *keeper;
	struct monitor_ask	      *monitor;
	const struct connector_events *events;
	void			      *arg;
	enum step		       step;
	struct connect_refusals		       refusals;

	/* the round: the server under way is order[nth] */
	unsigned order[CONF_MAX_SERVERS], norder, nth;
	unsigned which;
	unsigned again; /* times that it was begun anew */

	/* its addresses */
	struct endpoint	  list[REQUEST_MAX_ENDPOINTS];
	unsigned	  n;
	unsigned	  winner; /* in list; from n on: nobody */
	struct happy_eyeballs	  race;
	struct bucket	  asks;
	struct ev_timer	  ask_again;
	struct ev_timer	  over; /* calls on_failed */
	int		  fd;	/* the winner's, while PROXY */
	struct proxy_talk talk;

	char proxy[TEXT_SIZE]; /* as a URL; "": none */
	char server[TEXT_SIZE], address[TEXT_SIZE], doing[TEXT_SIZE];
	char trouble[WHY_SIZE]; /* of the server under way */
	char troubles[CONF_MAX_SERVERS][WHY_SIZE];
	char why[WHY_SIZE + TEXT_SIZE + 4]; /* of the round */
};

static void begin_server(struct connector *connector);
static void forget_addresses(struct connector *connector);
static void resolve(struct connector *connector);
static void on_resolved(void *arg, const struct endpoint *list, unsigned n);
static void on_ask_again(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void go_on(struct connector *connector);
static void on_trying(void *arg, unsigned place);
static void on_came_out(void *arg, unsigned place, int error);
static void on_won(void *arg, int fd, unsigned place);
static void on_lost(void *arg);
static void deliver(struct connector *connector, int fd);
static void ask_login(struct connector *connector);
static void on_login(void *arg, const char *login, size_t len, int error);
static void on_proxy_done(void *arg, const char *why);
static void note(struct connector *connector, unsigned place, const char *why);
static void server_failed(struct connector *connector);
static void fail(struct connector *connector);
static void on_over(struct ev_loop *loop, struct ev_timer *timer, int events);
static void name_proxy(struct connector *connector);
static void print_host(char *dst, size_t size, const char *host, uint16_t port);
static bool by_proxy(const struct connector *connector);

static const struct happy_eyeballs_events happy_eyeballs_events = {
	.on_trying = on_trying,
	.on_came_out = on_came_out,
	.on_won = on_won,
	.on_lost = on_lost,
};

struct connector *
connector_new(struct ev_loop *loop, const struct conf *conf,
    struct keeper_ask *keeper, struct monitor_ask *monitor,
    const struct connector_events *events, void *arg)
{
	struct connector *connector = calloc(1, sizeof(*connector));

	if (connector == NULL)
		return NULL;
	connector->loop = loop;
	connector->conf = conf;
	connector->keeper = keeper;
	connector->monitor = monitor;
	connector->events = events;
	connector->arg = arg;
	connector->fd = -1;
	happy_eyeballs_init(&connector->race, loop, monitor, &connector->asks,
	    &happy_eyeballs_events, connector);
	ev_timer_init(&connector->ask_again, on_ask_again, 0, 0);
	ev_timer_init(&connector->over, on_over, 0, 0);
	connector->ask_again.data = connector->over.data = connector;
	proxy_talk_init(&connector->talk, loop, on_proxy_done, connector);
	return connector;
}

void
connector_free(struct connector *connector)
{
	if (connector == NULL)
		return;
	connector_stop(connector);
	free(connector);
}

void
connector_reconfigure(struct connector *connector, const struct conf *conf)
{
	connector->conf = conf;
	memset(connector->troubles, 0, sizeof(connector->troubles));
	/*
	 * The rest of the old round means nothing now; but who was delivered
	 * stays where the lanes go (connector_lanes()).
	 */
	connector->norder = 0;
	forget_addresses(connector);
	if (connector->step != IDLE)
		connector_start(connector);
}

void
connector_start(struct connector *connector)
{
	connector_stop(connector);
	server_choice_order(connector->conf, connector->order);
	connector->norder = connector->conf->nservers;
	connector->nth = connector->again = 0;
	name_proxy(connector);
	begin_server(connector);
}

bool
connector_again(struct connector *connector)
{
	if (connector->step == IDLE || connector->again >= CONNECTOR_AGAIN)
		return false;
	connector_stop(connector);
	connector->again++;
	begin_server(connector);
	return true;
}

void
connector_next(struct connector *connector, const char *why)
{
	note(connector, connector->winner, why);
	/* All addresses of a proxy lead to the same server. */
	if (by_proxy(connector))
		server_failed(connector);
	else
		go_on(connector);
}

void
connector_next_server(struct connector *connector, const char *why)
{
	note(connector, connector->winner, why);
	server_failed(connector);
}

void
connector_good(struct connector *connector)
{
	memset(connector->troubles, 0, sizeof(connector->troubles));
}

void
connector_stop(struct connector *connector)
{
	monitor_ask_cancel(connector->monitor, connector);
	keeper_ask_cancel(connector->keeper, connector);
	happy_eyeballs_stop(&connector->race);
	proxy_talk_stop(&connector->talk);
	if (connector->fd != -1)
		close(connector->fd);
	connector->fd = -1;
	ev_timer_stop(connector->loop, &connector->ask_again);
	ev_timer_stop(connector->loop, &connector->over);
	connector->step = IDLE;
}

int
connector_lanes(struct connector *connector, unsigned count,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg)
{
	/* A server that is an address is a list of one. */
	return monitor_ask_lanes(connector->monitor, connector->which,
	    by_proxy(connector) ? 0 : connector->winner, count, done, arg);
}

const char *
connector_server(const struct connector *connector)
{
	return connector->server;
}

const char *
connector_address(const struct connector *connector)
{
	return connector->address;
}

const char *
connector_proxy(const struct connector *connector)
{
	return connector->proxy;
}

const char *
connector_doing(const struct connector *connector)
{
	return connector->step != IDLE ? connector->doing : "";
}

const char *
connector_trouble(const struct connector *connector, unsigned which)
{
	return which < CONF_MAX_SERVERS ? connector->troubles[which] : "";
}

void
connector_miss(struct connector *connector, const struct endpoint *server)
{
	connect_refusals_begin(&connector->refusals, server);
}

bool
connector_is_refused(const struct connector *connector)
{
	return connect_refusals_last(&connector->refusals);
}

/* ------------------------------------------------------------- a server */

static void
begin_server(struct connector *connector)
{
	const struct conf_server *server;

	forget_addresses(connector);
	connector->winner = REQUEST_MAX_ENDPOINTS;
	connector->trouble[0] = '\0';
	if (connector->nth >= connector->norder) {
		fail(connector);
		return;
	}
	connector->which = connector->order[connector->nth];
	server = &connector->conf->servers[connector->which];
	print_host(connector->server, sizeof(connector->server), server->host,
	    server->port);
	strlcpy(connector->address, connector->server,
	    sizeof(connector->address));
	resolve(connector);
}

static void
forget_addresses(struct connector *connector)
{
	connector->n = 0;
	happy_eyeballs_begin(&connector->race, 0, connector->list, 0);
}

static void
resolve(struct connector *connector)
{
	const struct conf *conf = connector->conf;
	bool		   proxy = by_proxy(connector);
	const char	  *host = proxy ? conf->proxy.host :
					  conf->servers[connector->which].host;

	connector->step = RESOLVE;
	snprintf(connector->doing, sizeof(connector->doing),
	    "the addresses of %s%s", proxy ? "the proxy " : "", host);
	if (bucket_take(&connector->asks, HAPPY_EYEBALLS_ASK_BURST,
	    HAPPY_EYEBALLS_ASK_PAUSE_US,
		mono_now()) &&
	    monitor_ask_resolve(connector->monitor,
		proxy ? REQUEST_PROXY : connector->which, on_resolved,
		connector) == 0)
		return;
	ev_timer_set(&connector->ask_again, HAPPY_EYEBALLS_DELAY_SEC, 0);
	ev_timer_start(connector->loop, &connector->ask_again);
}

static void
on_ask_again(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	resolve(timer->data);
}

static void
on_resolved(void *arg, const struct endpoint *list, unsigned n)
{
	struct connector *connector = arg;

	if (n > REQUEST_MAX_ENDPOINTS)
		n = REQUEST_MAX_ENDPOINTS;
	memcpy(connector->list, list, n * sizeof(*list));
	connector->n = n;
	happy_eyeballs_begin(&connector->race,
	    by_proxy(connector) ? REQUEST_PROXY : connector->which, list, n);
	if (n == 0)
		note(connector, connector->winner, "no address is known");
	go_on(connector);
}

static void
server_failed(struct connector *connector)
{
	char *last = connector->troubles[connector->which];

	happy_eyeballs_stop(&connector->race);
	/* Log the same error only once. */
	if (strcmp(last, connector->trouble) != 0)
		log_warnx("hub %s: %s", connector->n > 1 ?
			connector->server : connector->address,
		    connector->trouble);
	strlcpy(last, connector->trouble, WHY_SIZE);
	if (connector->norder > 1)
		snprintf(connector->why, sizeof(connector->why), "%s: %s",
		    connector->server, connector->trouble);
	else
		strlcpy(connector->why, connector->trouble,
		    sizeof(connector->why));
	connector->nth++;
	connector->again = 0;
	begin_server(connector);
}

/* From the loop: who began the round is not done with that yet. */
static void
fail(struct connector *connector)
{
	connector->step = IDLE;
	ev_timer_set(&connector->over, 0, 0);
	ev_timer_start(connector->loop, &connector->over);
}

static void
on_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct connector *connector = timer->data;

	connector->events->on_failed(connector->arg, connector->why);
}

/* -------------------------------------------------------- its addresses */

static void
go_on(struct connector *connector)
{
	connector->step = CONNECT;
	if (!happy_eyeballs_go_on(&connector->race))
		server_failed(connector);
}

static void
on_trying(void *arg, unsigned place)
{
	struct connector *connector = arg;
	char		  text[ENDPOINT_STRLEN];

	endpoint_print(&connector->list[place], text, sizeof(text));
	snprintf(connector->doing, sizeof(connector->doing), "%s%s to connect",
	    by_proxy(connector) ? "the proxy " : "", text);
	if (!by_proxy(connector))
		strlcpy(connector->address, text, sizeof(connector->address));
}

/* A proxy's address does not identify the server. */
static void
on_came_out(void *arg, unsigned place, int error)
{
	struct connector *connector = arg;

	if (!by_proxy(connector))
		connect_refusals_note(&connector->refusals,
		    &connector->list[place],
		    error, mono_now());
	if (error != 0)
		note(connector, place, strerror(error));
}

static void
on_won(void *arg, int fd, unsigned place)
{
	struct connector *connector = arg;

	connector->winner = place;
	if (by_proxy(connector)) {
		connector->fd = fd;
		ask_login(connector);
		return;
	}
	endpoint_print(&connector->list[place], connector->address,
	    sizeof(connector->address));
	deliver(connector, fd);
}

static void
on_lost(void *arg)
{
	server_failed(arg);
}

static void
deliver(struct connector *connector, int fd)
{
	const struct conf_server *server =
	    &connector->conf->servers[connector->which];
	struct endpoint ep = { .len = 0 };
	struct addr	addr;

	connector->step = IDLE;
	if (!by_proxy(connector))
		ep = connector->list[connector->winner];
	else if (addr_parse(&addr, server->host))
		ep = endpoint_make(&addr, server->port);
	connector->events->on_connected(connector->arg, fd, &ep, server->name);
}

/* ------------------------------------------------------------- the proxy */

static void
ask_login(struct connector *connector)
{
	connector->step = PROXY;
	snprintf(connector->doing, sizeof(connector->doing),
	    "the proxy to connect to %.200s", connector->server);
	if (keeper_ask_secret(connector->keeper, REQUEST_PROXY_LOGIN, on_login,
		connector) < 0)
		on_login(connector, NULL, 0, EAGAIN);
}

static void
on_login(void *arg, const char *login, size_t len, int error)
{
	struct connector	 *connector = arg;
	const struct conf_server *server =
	    &connector->conf->servers[connector->which];
	char text[REQUEST_MAX_PASSWORD + 1] = "";

	if (login == NULL && error != ENOENT) {
		on_proxy_done(connector, "keeper/proxy cannot be read");
		return;
	}
	/* A view of a message: there is no NUL behind it. */
	if (login != NULL && len < sizeof(text))
		memcpy(text, login, len);
	proxy_talk_start(&connector->talk, connector->fd,
	    connector->conf->proxy.kind, server->host, server->port,
	    login != NULL ? text : NULL);
	secret_wipe(text, sizeof(text));
}

static void
on_proxy_done(void *arg, const char *why)
{
	struct connector *connector = arg;
	int		  fd = connector->fd;

	connector->fd = -1;
	if (why == NULL) {
		deliver(connector, fd);
		return;
	}
	close(fd);
	connector_next(connector, why);
}

/* --------------------------------------------------------------- in words */

/* Where there are several addresses, each of them and its trouble. */
static void
note(struct connector *connector, unsigned place, const char *why)
{
	size_t len = strlen(connector->trouble);
	char   text[ENDPOINT_STRLEN + 2] = "";

	if (place < connector->n && connector->n > 1) {
		endpoint_print(&connector->list[place], text, sizeof(text) - 2);
		strlcat(text, ": ", sizeof(text));
	}
	snprintf(connector->trouble + len, sizeof(connector->trouble) - len,
	    "%s%s%s", len > 0 ? "; " : "", text, why);
}

static void
name_proxy(struct connector *connector)
{
	const struct conf_proxy *proxy = &connector->conf->proxy;
	char			 text[TEXT_SIZE - 16];

	connector->proxy[0] = '\0';
	if (proxy->kind == CONF_PROXY_NONE)
		return;
	print_host(text, sizeof(text), proxy->host, proxy->port);
	snprintf(connector->proxy, sizeof(connector->proxy), "%s://%s",
	    proxy->kind == CONF_PROXY_HTTP ? "http" : "socks5", text);
}

static void
print_host(char *dst, size_t size, const char *host, uint16_t port)
{
	bool v6 = strchr(host, ':') != NULL;

	snprintf(dst, size, v6 ? "[%.255s]:%u" : "%.255s:%u", host, port);
}

static bool
by_proxy(const struct connector *connector)
{
	return connector->conf->proxy.kind != CONF_PROXY_NONE;
}
