/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/children.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf.h"
#include "monitor/host/network.h"

#define ENGINE_STOP_MS 5000 /* it sends bye to every site */
#define CHILD_STOP_MS  2000
#define CLOSED_SEC     1.
#define NONE	       { -1, -1 }

static int   level(const struct children *children);
static pid_t start_keeper(struct supervise *supervise);
static pid_t start_engine(struct supervise *supervise);
static pid_t start_resolver(struct supervise *supervise);
static int   open_engine(struct children *children, int fd);
static int   give_keeper(struct children *children);
static void  on_keeper_death(struct supervise *supervise);
static void  on_engine_death(struct supervise *supervise);
static void  on_resolver_death(struct supervise *supervise);
static void  tell_death(struct children *children);
static void  on_engine_msg(struct chan *chan, struct chan_msg *msg);
static void  on_engine_closed(struct chan *chan);
static void  on_closed_due(struct ev_loop *loop, struct ev_timer *w, int what);
static void  on_ready(struct children *children);
static void  kill_engine(void *arg);
static void  on_resolved(void *arg, uint32_t id, const struct endpoint *list,
     unsigned n);
static void  on_network_news(void *arg);
static void  on_nonsense(void *arg);
static void  close_pair(int fds[2]);

void
children_init(struct children *children, struct ev_loop *loop,
    const struct conf *conf)
{
	*children = (struct children) {
		.loop = loop,
		.startup = { .admin = -1, .keeper = NONE, .totals = -1 },
		.keeper_dir = -1,
		.keeper_state = -1,
		.engine_chan = { .fd = -1 },
		.keeper = { .role = PROC_KEEPER, .start = start_keeper,
		    .on_death = on_keeper_death, .arg = children },
		.engine = { .role = PROC_ENGINE, .start = start_engine,
		    .on_death = on_engine_death, .arg = children },
		.resolver = { .role = PROC_RESOLVER, .start = start_resolver,
		    .on_death = on_resolver_death, .arg = children },
		.serve = { .conf = conf },
	};
	ev_timer_init(&children->closed_timer, on_closed_due, CLOSED_SEC, 0.);
	children->closed_timer.data = children;
	lookup_init(&children->lookup, loop, conf);
	children->lookup.done = on_resolved;
	children->lookup.on_nonsense = on_nonsense;
	children->lookup.arg = children;
	children->serve.lookup = &children->lookup;
	pam_init(&children->pam, loop);
	watchdog_init(&children->watchdog, loop);
	children->watchdog.on_silent = kill_engine;
	children->watchdog.arg = children;
	children->serve.pam = &children->pam;
}

bool
children_start(struct children *children, struct network *network)
{
	struct supervise *all[] = { &children->keeper, &children->resolver,
		&children->engine };
	bool resolves = children->serve.conf->role == CONF_CLIENT &&
	    lookup_needs_resolver(&children->lookup);

	children->serve.network = network;
	children->serve.certs = children->startup.certs;
	network_on_news(network, on_network_news, children);
	for (size_t i = 0; i < nitems(all); i++) {
		int r = 0;

		if (all[i] != &children->resolver || resolves)
			r = supervise_start(all[i], children->loop);
		if (r == 0)
			continue;
		log_warnx("%s: cannot be started: %s", proc_name(all[i]->role),
		    strerror(-r));
		return false;
	}
	return true;
}

void
children_reconfigure(struct children *children, const struct conf *conf)
{
	bool other_level = children->serve.conf->log_level != conf->log_level;

	children->serve.conf = conf;
	lookup_reconfigure(&children->lookup, conf);
	children_sent(children,
	    startup_send_conf(&children->engine_chan, children->startup.conf,
		children->startup.conf_len));
	if (!other_level)
		return;
	/*
	 * The engine has it from the configuration; keeper and resolver read
	 * none.
	 */
	log_set_level(conf->log_level);
	if (children->keeper.pid > 0)
		supervise_restart(&children->keeper);
	if (children->resolver.pid > 0) {
		lookup_detach(&children->lookup);
		supervise_restart(&children->resolver);
	}
}

void
children_offer(struct children *children)
{
	struct certs *certs = children->startup.certs;

	if (children->engine_chan.fd != -1)
		children_sent(children,
		    startup_send_news(&children->engine_chan, certs));
	else if (children->up && children->engine.pid <= 0 &&
	    certs_any_news(certs))
		supervise_restart(&children->engine);
}

void
children_sent(struct children *children, int r)
{
	if (r < 0 && children->engine_chan.fd != -1)
		kill_engine(children);
}

void
children_stop(struct children *children)
{
	ev_timer_stop(children->loop, &children->closed_timer);
	watchdog_stop(&children->watchdog);
	supervise_stop(&children->engine, ENGINE_STOP_MS);
	chan_close(&children->engine_chan);
	pam_fini(&children->pam);
	supervise_stop(&children->resolver, CHILD_STOP_MS);
	lookup_fini(&children->lookup);
	supervise_stop(&children->keeper, CHILD_STOP_MS);
	close_pair(children->startup.keeper);
}

static int
level(const struct children *children)
{
	return (int)children->serve.conf->log_level;
}

static pid_t
start_keeper(struct supervise *supervise)
{
	struct children *children = supervise->arg;
	int		 auth[2] = NONE, sign[2] = NONE, voucher = -1;
	pid_t		 pid;

	close_pair(children->startup.keeper);
	pid = chan_pair(auth);
	if (pid == 0)
		pid = chan_pair(sign);
	if (pid == 0)
		pid = voucher = voucher_key_pipe(children->pam.voucher_key);
	if (pid >= 0) {
		const int fds[] = { auth[1], sign[1], children->keeper_dir,
			voucher, children->keeper_state };

		pid = proc_start(PROC_KEEPER, fds, nitems(fds),
		    level(children));
	}
	if (pid > 0) {
		children->startup.keeper[0] = auth[0];
		children->startup.keeper[1] = sign[0];
		auth[0] = sign[0] = -1;
	}
	close_pair(auth);
	close_pair(sign);
	if (voucher >= 0)
		close(voucher);
	/* Without an engine the descriptors wait for the next one. */
	if (pid > 0 && children->engine_chan.fd != -1)
		children_sent(children, give_keeper(children));
	return pid;
}

static pid_t
start_engine(struct supervise *supervise)
{
	struct children *children = supervise->arg;
	int		 fds[2], r = 0;
	pid_t		 pid;

	/* It died, too, and is due to be started again: do that now. */
	if (children->startup.keeper[0] == -1)
		r = supervise_restart(&children->keeper);
	if (r == 0)
		r = chan_pair(fds);
	if (r != 0)
		return r;
	pid = proc_start(PROC_ENGINE, &fds[1], 1, level(children));
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return pid;
	}
	r = open_engine(children, fds[0]);
	if (r < 0) {
		log_warnx("engine: cannot send it its configuration: %s",
		    strerror(-r));
		chan_close(&children->engine_chan);
		kill(pid, SIGKILL);
	}
	return pid;
}

static int
open_engine(struct children *children, int fd)
{
	int r;

	serve_reset(&children->serve);
	children->startup.restarts = children->engine.deaths;
	chan_open(&children->engine_chan, children->loop, fd, on_engine_msg,
	    on_engine_closed, children);
	r = startup_send_all(&children->engine_chan, &children->startup);
	if (r == 0)
		r = startup_send_news(&children->engine_chan,
		    children->startup.certs);
	close_pair(children->startup.keeper);
	return r;
}

static int
give_keeper(struct children *children)
{
	int r = startup_send(&children->engine_chan, REQUEST_KEEPER, NULL, 0,
	    children->startup.keeper, 2);

	close_pair(children->startup.keeper);
	return r;
}

static pid_t
start_resolver(struct supervise *supervise)
{
	struct children *children = supervise->arg;
	int		 fds[2], r = chan_pair(fds);
	pid_t		 pid;

	if (r < 0)
		return r;
	pid = proc_start(PROC_RESOLVER, &fds[1], 1, level(children));
	close(fds[1]);
	if (pid < 0)
		close(fds[0]);
	else
		lookup_attach(&children->lookup, fds[0]);
	return pid;
}

static void
on_keeper_death(struct supervise *supervise)
{
	struct children *children = supervise->arg;

	close_pair(children->startup.keeper);
	tell_death(children);
}

static void
on_engine_death(struct supervise *supervise)
{
	struct children *children = supervise->arg;

	ev_timer_stop(children->loop, &children->closed_timer);
	watchdog_stop(&children->watchdog);
	chan_close(&children->engine_chan);
	lookup_forget(&children->lookup);
	network_down(children->serve.network);
	if (children->up)
		supervise_restart(&children->keeper);
	tell_death(children);
}

static void
on_resolver_death(struct supervise *supervise)
{
	struct children *children = supervise->arg;

	lookup_detach(&children->lookup);
	tell_death(children);
}

/*
 * If a process dies before the daemon is up, the daemon stops; deaths of the
 * others after that are not logged.
 */
static void
tell_death(struct children *children)
{
	if (!children->up) {
		children->keeper.stopping = true;
		children->engine.stopping = true;
		children->resolver.stopping = true;
	}
	children->on_death(children->arg);
}

static void
on_engine_msg(struct chan *chan, struct chan_msg *msg)
{
	struct children *children = chan->arg;

	switch (serve_request(&children->serve, chan, msg)) {
	case REQUEST_READY:
		on_ready(children);
		break;
	case REQUEST_PONG:
		watchdog_heard(&children->watchdog);
		break;
	case -1:
		kill_engine(children);
		break;
	}
}

/* It has probably ended, or it broke the channel's rules. */
static void
on_engine_closed(struct chan *chan)
{
	struct children *children = chan->arg;

	watchdog_stop(&children->watchdog);
	ev_timer_set(&children->closed_timer, CLOSED_SEC, 0.);
	ev_timer_start(children->loop, &children->closed_timer);
}

static void
on_closed_due(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct children *children = w->data;

	log_warnx("engine: closed its channel and does not exit; it is killed");
	supervise_kill(&children->engine);
}

static void
on_ready(struct children *children)
{
	children->up = true;
	on_network_news(children);
	watchdog_start(&children->watchdog, &children->engine_chan);
	children->on_ready(children->arg);
}

static void
kill_engine(void *arg)
{
	struct children *children = arg;

	supervise_kill(&children->engine);
}

static void
on_resolved(void *arg, uint32_t id, const struct endpoint *list, unsigned n)
{
	struct children *children = arg;

	network_set_servers(children->serve.network, list, n);
	children_sent(children,
	    serve_resolved(&children->engine_chan, id, list, n));
}

/* For its status. */
static void
on_network_news(void *arg)
{
	struct children	     *children = arg;
	struct request_egress egress;

	children_sent(children,
	    startup_send(&children->engine_chan, REQUEST_HOST,
		network_host(children->serve.network),
		sizeof(struct request_host), NULL, 0));
	if (children->serve.conf->role != CONF_CLIENT)
		return;
	network_egress(children->serve.network, &egress);
	children_sent(children,
	    startup_send(&children->engine_chan, REQUEST_EGRESS, &egress,
		sizeof(egress), NULL, 0));
}

static void
on_nonsense(void *arg)
{
	struct children *children = arg;

	supervise_kill(&children->resolver);
}

static void
close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] != -1)
			close(fds[i]);
		fds[i] = -1;
	}
}
