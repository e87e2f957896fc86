/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/connector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/bucket.h"
#include "base/log.h"
#include "base/secret.h"
#include "control/candidates.h"
#include "control/proxy_talk.h"
#include "control/refusals.h"

#define PATIENCE_SEC 10 /* for a server's addresses, from the last one on */
#define TEXT_SIZE    288
#define WHY_SIZE     256
/* Well within what the monitor permits (monitor/serve.c). */
#define ASK_BURST    24
#define ASK_PAUSE_US (MONO_SEC / 4)

enum step { IDLE, RESOLVE, CONNECT, PROXY };
enum attempt_state { UNTRIED, TRYING, FAILED };

struct attempt {
	struct connector  *connector;
	enum attempt_state state;
	int		   fd; /* connecting; -1: none (yet) */
	struct ev_io	   writable;
};

struct connector {
	struct ev_loop		      *loop;
	const struct conf	      *conf;
	struct keeper_ask	      *keeper;
	struct monitor_ask	      *monitor;
	const struct connector_events *events;
	void			      *arg;
	enum step		       step;
	struct refusals		       refusals;

	/* the round: the server under way is order[nth] */
	unsigned order[CONF_MAX_SERVERS], norder, nth;
	unsigned which;
	unsigned again; /* times that it was begun anew */

	/* its addresses */
	struct endpoint	  list[REQUEST_MAX_ENDPOINTS];
	unsigned	  n;
	unsigned	  sorted[REQUEST_MAX_ENDPOINTS];
	struct attempt	  attempts[REQUEST_MAX_ENDPOINTS]; /* as in list */
	unsigned	  winner;
	struct bucket	  asks;
	struct ev_timer	  delay;    /* until the next one is tried */
	struct ev_timer	  patience; /* with all of them */
	struct ev_timer	  over;	    /* calls on_failed */
	int		  fd;	    /* the winner's, while PROXY */
	struct proxy_talk talk;

	char proxy[TEXT_SIZE]; /* as a URL; "": none */
	char server[TEXT_SIZE], address[TEXT_SIZE], doing[TEXT_SIZE];
	char trouble[WHY_SIZE]; /* of the server under way */
	char troubles[CONF_MAX_SERVERS][WHY_SIZE];
	char why[WHY_SIZE + TEXT_SIZE + 4]; /* of the round */
};

static void begin_server(struct connector *connector);
static void resolve(struct connector *connector);
static void on_resolved(void *arg, const struct endpoint *list, unsigned n);
static void try_next(struct connector *connector);
static struct attempt *find_untried(struct connector *connector);
static bool is_trying(const struct connector *connector);
static void on_socket(void *arg, int fd, int error);
static void on_writable(struct ev_loop *loop, struct ev_io *io, int events);
static void on_delay_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_patience_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void attempt_failed(struct attempt *attempt, int error);
static void attempt_won(struct attempt *attempt);
static void ask_login(struct connector *connector);
static void on_login(void *arg, const char *login, size_t len, int error);
static void on_proxy_done(void *arg, const char *why);
static void deliver(struct connector *connector, int fd);
static void came_out(const struct attempt *attempt, int error);
static void end_attempts(struct connector *connector);
static void end_attempt(struct attempt *attempt);
static unsigned place_of(const struct attempt *attempt);
static void note(struct connector *connector, const struct endpoint *at,
    const char *why);
static void server_failed(struct connector *connector);
static void fail(struct connector *connector);
static void on_over(struct ev_loop *loop, struct ev_timer *timer, int events);
static void name_proxy(struct connector *connector);
static void print_host(char *dst, size_t size, const char *host, uint16_t port);

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
	for (unsigned i = 0; i < REQUEST_MAX_ENDPOINTS; i++) {
		struct attempt *attempt = &connector->attempts[i];

		attempt->connector = connector;
		attempt->fd = -1;
		ev_init(&attempt->writable, on_writable);
		attempt->writable.data = attempt;
	}
	ev_timer_init(&connector->delay, on_delay_over, 0, 0);
	ev_timer_init(&connector->patience, on_patience_over, 0, 0);
	ev_timer_init(&connector->over, on_over, 0, 0);
	connector->delay.data = connector->patience.data =
	    connector->over.data = connector;
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
connector_set_conf(struct connector *connector, const struct conf *conf)
{
	connector->conf = conf;
	memset(connector->troubles, 0, sizeof(connector->troubles));
	/* The rest of the old round means nothing now. */
	connector->norder = connector->n = 0;
	if (connector->step != IDLE)
		connector_start(connector);
}

void
connector_start(struct connector *connector)
{
	connector_stop(connector);
	candidates_order(connector->conf, connector->order);
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
	if (connector->winner < connector->n) {
		note(connector, &connector->list[connector->winner], why);
		connector->attempts[connector->winner].state = FAILED;
	} else {
		note(connector, NULL, why);
	}
	/* Through a proxy, each of its addresses leads to the same. */
	if (connector->conf->proxy.kind != CONF_PROXY_NONE)
		server_failed(connector);
	else
		try_next(connector);
}

void
connector_next_server(struct connector *connector, const char *why)
{
	note(connector, connector->winner < connector->n ?
		&connector->list[connector->winner] : NULL, why);
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
	end_attempts(connector);
	proxy_talk_stop(&connector->talk);
	if (connector->fd != -1)
		close(connector->fd);
	connector->fd = -1;
	ev_timer_stop(connector->loop, &connector->over);
	connector->step = IDLE;
}

int
connector_lanes(struct connector *connector, unsigned count,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg)
{
	bool proxy = connector->conf->proxy.kind != CONF_PROXY_NONE;

	/* A server that is an address is a list of one. */
	return monitor_ask_lanes(connector->monitor, connector->which,
	    proxy ? 0 : connector->winner, count, done, arg);
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
	refusals_begin(&connector->refusals, server);
}

bool
connector_is_refused(const struct connector *connector)
{
	return refusals_last(&connector->refusals);
}

/* ------------------------------------------------------------- a server */

static void
begin_server(struct connector *connector)
{
	const struct conf_server *server;

	connector->n = 0;
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
resolve(struct connector *connector)
{
	const struct conf *conf = connector->conf;
	bool		   proxy = conf->proxy.kind != CONF_PROXY_NONE;
	const char	  *host = proxy ? conf->proxy.host :
					  conf->servers[connector->which].host;

	connector->step = RESOLVE;
	snprintf(connector->doing, sizeof(connector->doing),
	    "the addresses of %s%s", proxy ? "the proxy " : "", host);
	if (bucket_take(&connector->asks, ASK_BURST, ASK_PAUSE_US,
		mono_now()) &&
	    monitor_ask_resolve(connector->monitor,
		proxy ? REQUEST_PROXY : connector->which, on_resolved,
		connector) == 0)
		return;
	ev_timer_set(&connector->delay, CONNECTOR_DELAY_SEC, 0);
	ev_timer_start(connector->loop, &connector->delay);
}

static void
on_resolved(void *arg, const struct endpoint *list, unsigned n)
{
	struct connector *connector = arg;

	if (n > REQUEST_MAX_ENDPOINTS)
		n = REQUEST_MAX_ENDPOINTS;
	memcpy(connector->list, list, n * sizeof(*list));
	connector->n = n;
	candidates_sort(list, n, connector->sorted);
	for (unsigned i = 0; i < n; i++)
		connector->attempts[i].state = UNTRIED;
	if (n == 0)
		note(connector, NULL, "no address is known");
	try_next(connector);
}

static void
server_failed(struct connector *connector)
{
	char *last = connector->troubles[connector->which];

	end_attempts(connector);
	/* Said once: the same words again are not news. */
	if (strcmp(last, connector->trouble) != 0)
		log_warnx("server %s: %s", connector->n > 1 ?
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

	(void)loop;
	(void)events;
	connector->events->on_failed(connector->arg, connector->why);
}

/* -------------------------------------------------------- its addresses */

static void
try_next(struct connector *connector)
{
	struct attempt *attempt = find_untried(connector);
	char		text[ENDPOINT_STRLEN];
	unsigned	place;
	bool		proxy = connector->conf->proxy.kind != CONF_PROXY_NONE;

	if (attempt == NULL && !is_trying(connector)) {
		server_failed(connector);
		return;
	}
	connector->step = CONNECT;
	ev_timer_stop(connector->loop, &connector->delay);
	if (attempt == NULL)
		return;
	ev_timer_set(&connector->delay, CONNECTOR_DELAY_SEC, 0);
	ev_timer_start(connector->loop, &connector->delay);
	if (!bucket_take(&connector->asks, ASK_BURST, ASK_PAUSE_US,
		mono_now()))
		return;
	place = place_of(attempt);
	if (monitor_ask_connect(connector->monitor,
		proxy ? REQUEST_PROXY : connector->which, place, on_socket,
		attempt) < 0)
		return;
	attempt->state = TRYING;
	endpoint_print(&connector->list[place], text, sizeof(text));
	snprintf(connector->doing, sizeof(connector->doing), "%s%s to connect",
	    proxy ? "the proxy " : "", text);
	if (!proxy)
		strlcpy(connector->address, text, sizeof(connector->address));
	ev_timer_stop(connector->loop, &connector->patience);
	ev_timer_set(&connector->patience, PATIENCE_SEC, 0);
	ev_timer_start(connector->loop, &connector->patience);
}

static struct attempt *
find_untried(struct connector *connector)
{
	for (unsigned i = 0; i < connector->n; i++) {
		struct attempt *attempt =
		    &connector->attempts[connector->sorted[i]];

		if (attempt->state == UNTRIED)
			return attempt;
	}
	return NULL;
}

static bool
is_trying(const struct connector *connector)
{
	for (unsigned i = 0; i < connector->n; i++) {
		if (connector->attempts[i].state == TRYING)
			return true;
	}
	return false;
}

/* It is on its way: EINPROGRESS is the monitor's success. */
static void
on_socket(void *arg, int fd, int error)
{
	struct attempt *attempt = arg;

	if (fd == -1) {
		attempt_failed(attempt, error);
		return;
	}
	attempt->fd = fd;
	ev_io_set(&attempt->writable, fd, EV_WRITE);
	ev_io_start(attempt->connector->loop, &attempt->writable);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct attempt *attempt = io->data;
	int		error = 0;
	socklen_t	len = sizeof(error);

	(void)loop;
	(void)events;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0)
		attempt_failed(attempt, error);
	else
		attempt_won(attempt);
}

static void
on_delay_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct connector *connector = timer->data;

	(void)loop;
	(void)events;
	if (connector->step == RESOLVE)
		resolve(connector);
	else
		try_next(connector);
}

static void
on_patience_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct connector *connector = timer->data;

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < connector->n; i++) {
		if (connector->attempts[i].state != TRYING)
			continue;
		came_out(&connector->attempts[i], ETIMEDOUT);
		note(connector, &connector->list[i], strerror(ETIMEDOUT));
	}
	server_failed(connector);
}

static void
attempt_failed(struct attempt *attempt, int error)
{
	struct connector *connector = attempt->connector;

	came_out(attempt, error);
	end_attempt(attempt);
	attempt->state = FAILED;
	note(connector, &connector->list[place_of(attempt)], strerror(error));
	try_next(connector);
}

static void
attempt_won(struct attempt *attempt)
{
	struct connector *connector = attempt->connector;
	int		  fd = attempt->fd;

	attempt->fd = -1;
	came_out(attempt, 0);
	end_attempts(connector);
	connector->winner = place_of(attempt);
	if (connector->conf->proxy.kind != CONF_PROXY_NONE) {
		connector->fd = fd;
		ask_login(connector);
		return;
	}
	endpoint_print(&connector->list[connector->winner], connector->address,
	    sizeof(connector->address));
	deliver(connector, fd);
}

static void
deliver(struct connector *connector, int fd)
{
	const struct conf_server *server =
	    &connector->conf->servers[connector->which];
	struct endpoint ep = { .len = 0 };
	struct addr	addr;

	connector->step = IDLE;
	if (connector->conf->proxy.kind == CONF_PROXY_NONE)
		ep = connector->list[connector->winner];
	else if (addr_parse(&addr, server->host))
		ep = endpoint_make(&addr, server->port);
	connector->events->on_connected(connector->arg, fd, &ep, server->name);
}

/* A proxy's address says nothing of the server. */
static void
came_out(const struct attempt *attempt, int error)
{
	struct connector *connector = attempt->connector;

	if (connector->conf->proxy.kind == CONF_PROXY_NONE)
		refusals_note(&connector->refusals,
		    &connector->list[place_of(attempt)], error, mono_now());
}

/* Those that were under way may be tried again in this round. */
static void
end_attempts(struct connector *connector)
{
	ev_timer_stop(connector->loop, &connector->delay);
	ev_timer_stop(connector->loop, &connector->patience);
	for (unsigned i = 0; i < REQUEST_MAX_ENDPOINTS; i++)
		end_attempt(&connector->attempts[i]);
}

static void
end_attempt(struct attempt *attempt)
{
	struct connector *connector = attempt->connector;

	if (attempt->state == TRYING)
		attempt->state = UNTRIED;
	monitor_ask_cancel(connector->monitor, attempt);
	ev_io_stop(connector->loop, &attempt->writable);
	if (attempt->fd != -1)
		close(attempt->fd);
	attempt->fd = -1;
}

static unsigned
place_of(const struct attempt *attempt)
{
	return (unsigned)(attempt - attempt->connector->attempts);
}

/* ------------------------------------------------------------- the proxy */

static void
ask_login(struct connector *connector)
{
	connector->step = PROXY;
	snprintf(connector->doing, sizeof(connector->doing),
	    "the proxy to connect to %.200s", connector->server);
	if (keeper_ask_proxy_login(connector->keeper, on_login, connector) < 0)
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
note(struct connector *connector, const struct endpoint *at, const char *why)
{
	size_t len = strlen(connector->trouble);
	char   text[ENDPOINT_STRLEN + 2] = "";

	if (at != NULL && connector->n > 1) {
		endpoint_print(at, text, sizeof(text) - 2);
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
