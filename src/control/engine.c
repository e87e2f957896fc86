/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "base/log.h"
#include "control/client.h"
#include "control/hub.h"
#include "control/message.h"
#include "control/server.h"
#include "keeper/keeper_ask.h"
#include "proc/proc.h"

#define GOODBYE_SEC 0.2 /* for the farewells to leave */

static int start(struct engine *engine);
static int start_server(struct engine *engine);
static int start_client(struct engine *engine);
static void stop(struct engine *engine);
static void on_conf(void *arg, struct conf *conf);
static void on_keeper(void *arg, int auth_fd, int sign_fd);
static void on_material(void *arg, const char *pem, size_t len);
static void on_monitor_gone(void *arg);
static void on_device_gone(void *arg);
static void on_terminate(struct ev_loop *loop, struct ev_signal *signal,
    int events);
static void on_goodbye_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);

static const struct monitor_ask_events monitor_events = {
	.on_conf = on_conf,
	.on_keeper = on_keeper,
	.on_material = on_material,
	.on_gone = on_monitor_gone,
};

int
engine_main(void)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int	       r;

	if (engine == NULL)
		fatalx("out of memory");
	message_setup();
	engine->started = mono_now();
	r = monitor_ask_receive(PROC_CHAN_FD, &engine->gift);
	if (r < 0)
		fatalx("the monitor's opening words: %s", strerror(-r));
	if (start(engine) < 0)
		engine->status = 1;
	else
		ev_run(engine->loop, 0);
	r = engine->status;
	stop(engine);
	free(engine);
	return r;
}

static int
start(struct engine *engine)
{
	struct monitor_gift *gift = &engine->gift;

	engine->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (engine->loop == NULL) {
		log_warnx("no event loop");
		return -1;
	}
	engine->conf = gift->conf;
	gift->conf = NULL;
	ev_signal_init(&engine->terminate, on_terminate, SIGTERM);
	engine->terminate.data = engine;
	ev_signal_start(engine->loop, &engine->terminate);
	ev_timer_init(&engine->goodbye, on_goodbye_over, GOODBYE_SEC, 0);
	engine->goodbye.data = engine;

	engine->monitor = monitor_ask_new(engine->loop, PROC_CHAN_FD,
	    &monitor_events, engine);
	engine->keeper = keeper_ask_new(engine->loop);
	if (engine->monitor == NULL || engine->keeper == NULL) {
		log_warnx("out of memory");
		return -1;
	}
	keeper_ask_attach(engine->keeper, gift->keeper_auth,
	    gift->keeper_sign);
	gift->keeper_auth = gift->keeper_sign = -1;
	gift->conf = engine->conf;
	engine->hub = hub_new(engine->loop, gift, on_device_gone, engine);
	gift->conf = NULL;
	if (engine->hub == NULL)
		return -1;
	if ((engine->conf->role == CONF_SERVER ? start_server(engine) :
						 start_client(engine)) < 0)
		return -1;
	if (gift->admin != -1)
		engine->admin = admin_new(engine, gift->admin);
	monitor_ask_ready(engine->monitor);
	return 0;
}

static int
start_server(struct engine *engine)
{
	struct monitor_gift *gift = &engine->gift;
	gnutls_privkey_t     key = keeper_ask_privkey(engine->keeper);
	struct tls_context  *tls;
	char		     why[TLS_WHY_SIZE];

	if (key == NULL) {
		log_warnx("the keeper has no key for the certificate");
		return -1;
	}
	tls = tls_context_new_server(gift->pem, gift->pem_len, key, why);
	if (tls == NULL) {
		log_warnx("%s", why);
		return -1;
	}
	engine->server = server_new(engine->loop, engine->conf, engine->hub,
	    engine->keeper, tls, gift->listener, gift->mtu);
	return engine->server != NULL ? 0 : -1;
}

static int
start_client(struct engine *engine)
{
	struct tls_context *tls;
	char		    why[TLS_WHY_SIZE];

	tls = tls_context_new_client(engine->gift.pem, engine->gift.pem_len,
	    why);
	if (tls == NULL) {
		log_warnx("%s", why);
		return -1;
	}
	engine->client = client_new(engine->loop, engine->conf, engine->hub,
	    engine->keeper, engine->monitor, tls);
	return engine->client != NULL ? 0 : -1;
}

/* In reverse: who uses goes before what is used. */
static void
stop(struct engine *engine)
{
	admin_free(engine->admin);
	server_free(engine->server);
	client_free(engine->client);
	hub_free(engine->hub);
	keeper_ask_free(engine->keeper);
	monitor_ask_free(engine->monitor);
	if (engine->loop != NULL) {
		ev_signal_stop(engine->loop, &engine->terminate);
		ev_timer_stop(engine->loop, &engine->goodbye);
		ev_loop_destroy(engine->loop);
	}
	conf_free(engine->conf);
	monitor_gift_free(&engine->gift);
}

static void
on_conf(void *arg, struct conf *conf)
{
	struct engine *engine = arg;
	struct conf   *old = engine->conf;

	engine->conf = conf;
	if (engine->server != NULL)
		server_follow(engine->server, conf);
	if (engine->client != NULL)
		engine->client->conf = conf;
	conf_free(old);
}

static void
on_keeper(void *arg, int auth_fd, int sign_fd)
{
	struct engine *engine = arg;

	keeper_ask_attach(engine->keeper, auth_fd, sign_fd);
}

static void
on_material(void *arg, const char *pem, size_t len)
{
	(void)arg;
	(void)pem;
	(void)len;
	log_info("a changed certificate is used from the next start");
}

static void
on_monitor_gone(void *arg)
{
	struct engine *engine = arg;

	engine->status = 1;
	ev_break(engine->loop, EVBREAK_ALL);
}

static void
on_device_gone(void *arg)
{
	struct engine *engine = arg;

	log_warnx("the device is gone: somebody removed it");
	on_monitor_gone(engine);
}

static void
on_terminate(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	struct engine *engine = sig->data;

	(void)events;
	if (ev_is_active(&engine->goodbye))
		return;
	if (engine->server != NULL)
		server_bye(engine->server, "the server stops");
	if (engine->client != NULL)
		client_bye(engine->client, "the site stops");
	ev_timer_start(loop, &engine->goodbye);
}

static void
on_goodbye_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}
