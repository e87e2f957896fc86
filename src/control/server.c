/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "control/incoming.h"
#include "control/session.h"
#include "control/site_networks.h"
#include "control/site_session.h"
#include "datapath/util/lpm.h"
#include "engine/ask/monitor_ask.h"

#define ACCEPT_BUDGET 16
#define PAUSE_SEC     0.5
#define LATE_US	      (3 * MONO_SEC) /* a tick that is: the host was suspended */
#define FULL_SEC      0.02 /* between two looks whether there is room again */
/* Who is told new networks at once: of 1024, that takes milliseconds. */
#define UPDATE_BUDGET 16
#define UPDATE_SEC    0.001

static void on_acceptable(struct ev_loop *loop, struct ev_io *io, int events);
static bool accept_one(struct server *server, int listener);
static bool is_full(const struct server *server);
static void let_wait(struct server *server);
static void pause_accepting(struct server *server, double sec);
static void start_accepting(struct server *server);
static void stop_accepting(struct server *server);
static void on_pause_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void end(struct site *site, const char *why);
static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events);
static void mark_stale(struct server *server, const struct conf *old);
static void on_updates(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void set_routes(struct server *server);
static bool add_prefixes(struct lpm *lpm, const struct conf_prefixes *list,
    uint16_t port);

struct server *
server_new(struct ev_loop *loop, const struct conf *conf,
    struct dataplane *dataplane,
    struct keeper_ask *keeper, struct monitor_ask *monitor,
    struct tls_context *tls, const struct startup_recv *startup)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server == NULL ||
	    sites_reconfigure(&server->sites, conf, dataplane) < 0) {
		free(server);
		tls_context_put(tls);
		log_warnx("out of memory");
		return NULL;
	}
	server->loop = loop;
	server->conf = conf;
	server->dataplane = dataplane;
	server->tls = tls;
	server->mtu = startup->device.mtu;
	admission_init(&server->admission, mono_now());
	server->auth = (struct auth_server_env) { loop, keeper, monitor,
		&server->admission, &server->conf, &server->tls };
	for (unsigned i = 0; i < startup->nlisteners; i++) {
		ev_io_init(&server->acceptors[i], on_acceptable,
		    startup->listeners[i], EV_READ);
		server->acceptors[i].data = server;
	}
	server->nacceptors = startup->nlisteners;
	ev_timer_init(&server->pause, on_pause_over, PAUSE_SEC, 0);
	ev_timer_init(&server->tick, on_tick, 1, 1);
	ev_timer_init(&server->updates, on_updates, 0, UPDATE_SEC);
	server->pause.data = server->tick.data = server->updates.data = server;
	start_accepting(server);
	server->ticked = mono_now();
	ev_timer_start(loop, &server->tick);
	set_routes(server);
	return server;
}

void
server_bye(struct server *server, const char *why)
{
	struct applicant *one;

	stop_accepting(server);
	ev_timer_stop(server->loop, &server->pause);
	while ((one = LIST_FIRST(&server->admission.applicants)) != NULL)
		incoming_bye(one->incoming, why);
	for (size_t i = 0; i < server->sites.n; i++)
		end(&server->sites.v[i], why);
}

void
server_free(struct server *server)
{
	struct applicant *one;

	if (server == NULL)
		return;
	while ((one = LIST_FIRST(&server->admission.applicants)) != NULL)
		incoming_free(one->incoming);
	for (size_t i = 0; i < server->sites.n; i++)
		session_free(server->sites.v[i].session);
	stop_accepting(server);
	ev_timer_stop(server->loop, &server->pause);
	ev_timer_stop(server->loop, &server->tick);
	ev_timer_stop(server->loop, &server->updates);
	sites_fini(&server->sites);
	tls_context_put(server->tls);
	free(server);
}

void
server_reconfigure(struct server *server, const struct conf *conf)
{
	const struct conf *old = server->conf;

	server->conf = conf;
	for (size_t i = 0; i < server->sites.n; i++) {
		struct site *site = &server->sites.v[i];

		if (site->session != NULL)
			end(site, site_session_why_not(server, site));
	}
	mark_stale(server, old);
	if (sites_reconfigure(&server->sites, conf, server->dataplane) < 0) {
		log_warnx("out of memory: new sites are not known yet");
		return;
	}
	set_routes(server);
}

void
server_set_tls(struct server *server, struct tls_context *tls)
{
	static const char why[] = "the site's certificate is revoked";
	struct applicant *one, *next;

	tls_context_put(server->tls);
	server->tls = tls;
	for (one = LIST_FIRST(&server->admission.applicants); one != NULL;
	     one = next) {
		next = LIST_NEXT(one, entry);
		if (incoming_is_revoked(one->incoming, tls))
			incoming_overtaken(one->incoming, why);
	}
	for (size_t i = 0; i < server->sites.n; i++) {
		struct site *site = &server->sites.v[i];

		if (site->session != NULL && site_session_is_revoked(site, tls))
			end(site, why);
	}
}

void
server_credential_changed(struct server *server, const char *name)
{
	static const char why[] = "the site's credential was changed";
	struct site	 *site = sites_find(&server->sites, name);
	struct applicant *one, *next;

	for (one = LIST_FIRST(&server->admission.applicants); one != NULL;
	     one = next) {
		next = LIST_NEXT(one, entry);
		if (strcmp(name, one->incoming->site) == 0 ||
		    strcmp(name, one->incoming->srp_user) == 0)
			incoming_overtaken(one->incoming, why);
	}
	if (site != NULL)
		end(site, why);
}

bool
server_kick(struct server *server, const char *name)
{
	struct site *site = sites_find(&server->sites, name);

	if (site == NULL || site->session == NULL)
		return false;
	end(site, "an administrator ended the session");
	return true;
}

void
server_log_refusal(struct server *server, const char *address,
    const char *site, const char *why)
{
	uint64_t suppressed;

	server->refused++;
	if (!log_limit_allow(&server->refusals, mono_now().us, &suppressed))
		return;
	if (suppressed > 0)
		log_warnx("%llu more refusals were suppressed",
		    (unsigned long long)suppressed);
	if (site[0] != '\0')
		log_warnx("%s: refused: site %s: %s", address, site, why);
	else
		log_warnx("%s: refused: %s", address, why);
}

static void
on_acceptable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct server *server = io->data;

	for (int i = 0; i < ACCEPT_BUDGET; i++) {
		if (is_full(server) &&
		    admission_has_grace(&server->admission, mono_now())) {
			/* The first one is known to be there. */
			if (i == 0)
				let_wait(server);
			return;
		}
		if (!accept_one(server, io->fd))
			return;
	}
}

/* Returns false if no further connection waits. */
static bool
accept_one(struct server *server, int listener)
{
	struct endpoint from = { .len = sizeof(from.in6) };
	struct addr	addr;
	char		text[ENDPOINT_STRLEN];
	int		fd;

	fd = accept4(listener, &from.sa, &from.len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1 && errno != EAGAIN && errno != ECONNABORTED &&
	    errno != EINTR) {
		/* Descriptors or memory: it waits in the backlog meanwhile. */
		log_warn("cannot accept a site");
		pause_accepting(server, PAUSE_SEC);
	}
	if (fd == -1)
		return errno == ECONNABORTED || errno == EINTR;
	server->waits = false;
	/* When full, evict one, so that a new site gets its turn. */
	addr = endpoint_addr(&from);
	if (is_full(server) && !incoming_evict(server, &addr)) {
		server->turned_away++;
		server_log_refusal(server,
		    endpoint_print(&from, text, sizeof(text)), "",
		    "too many connections that have not logged in "
		    "(max-handshakes)");
		close(fd);
		return true;
	}
	server->accepted++;
	incoming_start(server, fd, &from);
	return true;
}

static void
on_pause_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct server *server = timer->data;

	start_accepting(server);
}

static bool
is_full(const struct server *server)
{
	return server->nunauth >= server->conf->max_handshakes;
}

/* Counts each waiting connection once, however often this is checked. */
static void
let_wait(struct server *server)
{
	if (!server->waits)
		server->waited++;
	server->waits = true;
	pause_accepting(server, FULL_SEC);
}

/* What comes waits in the backlog meanwhile. */
static void
pause_accepting(struct server *server, double sec)
{
	stop_accepting(server);
	ev_timer_stop(server->loop, &server->pause);
	ev_timer_set(&server->pause, sec, 0);
	ev_timer_start(server->loop, &server->pause);
}

static void
start_accepting(struct server *server)
{
	for (unsigned i = 0; i < server->nacceptors; i++)
		ev_io_start(server->loop, &server->acceptors[i]);
}

static void
stop_accepting(struct server *server)
{
	for (unsigned i = 0; i < server->nacceptors; i++)
		ev_io_stop(server->loop, &server->acceptors[i]);
}

/* Its session, if it has one and there is a reason. */
static void
end(struct site *site, const char *why)
{
	if (site->session != NULL && why != NULL)
		session_end(site->session, why);
}

static void
on_tick(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct server *server = timer->data;
	struct mono    now = mono_now();
	bool	       woke = mono_sub(now, server->ticked) > LATE_US;

	server->ticked = now;
	for (size_t i = 0; i < server->sites.n; i++) {
		struct session *session = server->sites.v[i].session;

		if (session == NULL)
			continue;
		if (woke)
			session_woke(session, now);
		session_tick(session, now);
	}
}

static void
mark_stale(struct server *server, const struct conf *old)
{
	bool same = site_networks_same(old, server->conf);

	for (size_t i = 0; i < server->sites.n; i++) {
		struct site *site = &server->sites.v[i];

		if (site->session == NULL || (same &&
		    site_networks_same_own(old, server->conf, site->name)))
			continue;
		site->stale = true;
		ev_timer_start(server->loop, &server->updates);
	}
}

/* A few at a time, so that thousands of lists do not delay logins and pings. */
static void
on_updates(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct server *server = timer->data;
	unsigned       budget = UPDATE_BUDGET;

	for (size_t i = 0; i < server->sites.n; i++) {
		struct site *site = &server->sites.v[i];

		if (!site->stale || site->session == NULL)
			continue;
		if (budget-- == 0)
			return;
		site_session_update(server, site);
	}
	ev_timer_stop(loop, timer);
}

/* Every enabled site's networks, whether it is connected or not. */
static void
set_routes(struct server *server)
{
	const struct conf *conf = server->conf;
	struct lpm	  *lpm;
	bool		   ok = true;

	if (conf->mode != CONF_TUN)
		return;
	lpm = lpm_new();
	for (size_t i = 0; i < conf->nsites && lpm != NULL; i++) {
		const struct conf_site *cs = &conf->sites[i];
		const struct site *site = sites_find(&server->sites, cs->name);

		if (cs->disabled || site == NULL)
			continue;
		ok = ok && add_prefixes(lpm, &cs->addresses, site->port) &&
		    add_prefixes(lpm, &cs->subnets, site->port);
	}
	if (lpm == NULL || !ok) {
		log_warnx("out of memory: routes to sites are not updated");
		lpm_free(lpm);
		return;
	}
	dataplane_set_routes(server->dataplane, lpm);
}

static bool
add_prefixes(struct lpm *lpm, const struct conf_prefixes *list, uint16_t port)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!lpm_add(lpm, &list->v[i], port))
			return false;
	}
	return true;
}
