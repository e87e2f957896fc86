/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "engine/admin.h"
#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "control/client.h"
#include "dataplane/dataplane.h"
#include "dataplane/totals.h"
#include "control/conn/tls_cert.h"
#include "control/server.h"
#include "datapath/record/aead.h"
#include "engine/ask/keeper_ask.h"
#include "engine/ask/sign_ask.h"
#include "proc/heap_warmup.h"
#include "proc/proc.h"
#include "proc/sandbox.h"
#include "tls_srp/engine/tls_srp.h"

#define GOODBYE_SEC 0.2 /* for the farewells to leave */
#define EXPIRY_SEC  60.0

static int start(struct engine *engine);
static int start_server(struct engine *engine);
static int start_client(struct engine *engine);
static void stop(struct engine *engine);
static void on_conf(void *arg, struct conf *conf);
static void on_keeper(void *arg, int auth_fd, int sign_fd);
static struct tls_context *server_context(struct engine *engine, char *why);
static void on_secret(void *arg, const char *secret, size_t len, int error);
static int make_client(struct engine *engine, const char *password);
static struct tls_context *client_context(struct engine *engine,
    const char *password, char *why);
static void on_certs(void *arg, enum request_certs kind,
    struct startup_text text, bool trouble);
static bool on_apply(void *arg, enum request_certs kind,
    char why[TLS_WHY_SIZE]);
static void on_in_force(void *arg, enum request_certs kind,
    uint32_t number);
static void on_credential(void *arg, const char *site);
static void on_network_changed(void *arg);
static void on_egress(void *arg, const struct request_egress *egress);
static void on_host(void *arg, const struct request_host *host);
static void on_monitor_gone(void *arg);
static void on_device_gone(void *arg);
static void on_terminate(struct ev_loop *loop, struct ev_signal *signal,
    int events);
static void on_expiry(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_goodbye_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);

static_assert(TOTALS_SIZE == REQUEST_TOTALS_SIZE, "what the monitor makes");

static const struct startup_recv_events monitor_events = {
	.on_conf = on_conf,
	.on_keeper = on_keeper,
	.on_certs = on_certs,
	.on_credential = on_credential,
	.on_network_changed = on_network_changed,
	.on_egress = on_egress,
	.on_host = on_host,
	.on_gone = on_monitor_gone,
};

int
engine_main(void)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int	       r;

	if (engine == NULL)
		fatalx("out of memory");
	tls_context_setup();
	aead_load();
	heap_warmup_settle();
	sandbox_files(PROC_ENGINE, -1, -1);
	engine->started = mono_now();
	r = startup_recv_all(PROC_CHAN_FD, &engine->startup);
	if (r < 0)
		fatalx("cannot receive the configuration: %s", strerror(-r));
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
	struct startup_recv *startup = &engine->startup;

	engine->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (engine->loop == NULL) {
		log_warnx("no event loop");
		return -1;
	}
	engine->conf = startup->conf;
	startup->conf = NULL;
	ev_signal_init(&engine->terminate, on_terminate, SIGTERM);
	engine->terminate.data = engine;
	ev_signal_start(engine->loop, &engine->terminate);
	ev_timer_init(&engine->goodbye, on_goodbye_over, GOODBYE_SEC, 0);
	engine->goodbye.data = engine;
	ev_timer_init(&engine->expiry_timer, on_expiry, 1.0, EXPIRY_SEC);
	engine->expiry_timer.data = engine;
	ev_timer_start(engine->loop, &engine->expiry_timer);

	engine->monitor = monitor_ask_new(engine->loop, PROC_CHAN_FD,
	    &monitor_events, engine);
	engine->keeper = keeper_ask_new(engine->loop);
	engine->sign = sign_ask_new();
	if (engine->monitor == NULL || engine->keeper == NULL ||
	    engine->sign == NULL) {
		log_warnx("out of memory");
		return -1;
	}
	sign_ask_attach(engine->sign, startup->keeper[1]);
	keeper_ask_attach(engine->keeper, startup->keeper[0]);
	startup->keeper[0] = startup->keeper[1] = -1;
	engine->certs = (struct engine_certs) { .conf = &engine->conf,
		.sign = engine->sign,
		.apply = on_apply, .in_force = on_in_force, .arg = engine };
	startup->conf = engine->conf;
	engine->dataplane = dataplane_new(engine->loop, startup, on_device_gone,
	    engine);
	startup->conf = NULL;
	close(startup->totals); /* it is mapped, and nobody else's */
	startup->totals = -1;
	if (engine->dataplane == NULL)
		return -1;
	/* The workers are up; nothing of the network has been read yet. */
	sandbox_calls(PROC_ENGINE);
	if ((engine->conf->role == CONF_SERVER ? start_server(engine) :
						 start_client(engine)) < 0)
		return -1;
	if (startup->admin != -1)
		engine->admin = admin_new(engine, startup->admin);
	sign_ask_startup_done(engine->sign);
	monitor_ask_tell(engine->monitor, REQUEST_READY);
	return 0;
}

void
engine_look_at_certificates(struct engine *engine)
{
	static const enum request_certs kinds[] = {
		[EXPIRY_SERVER] = REQUEST_CERTS_CHAIN,
		[EXPIRY_SERVER_RSA] = REQUEST_CERTS_CHAIN_RSA,
		[EXPIRY_SITE] = REQUEST_CERTS_SITE,
	};
	const struct client *client = engine->client;
	time_t		     end, life;

	for (unsigned i = 0; i < nitems(kinds); i++) {
		end = engine_certs_end(&engine->certs, kinds[i], NULL);
		expiry_set(&engine->expiry, (enum expiry_of)i, end,
		    EXPIRY_SOON_SEC);
		engine->expiry.of[i].begin = engine_certs_begin(&engine->certs,
		    kinds[i]);
	}
	end = engine_certs_end(&engine->certs, REQUEST_CERTS_CRL, &life);
	expiry_set(&engine->expiry, EXPIRY_CRL, end, expiry_soon(life));
	/* What it was stays while it is away. */
	if (client != NULL && client->state == CLIENT_UP)
		expiry_set(&engine->expiry, EXPIRY_PEER,
		    tls_cert_end(client->session->conn->tls), EXPIRY_SOON_SEC);
}

static int
start_server(struct engine *engine)
{
	struct startup_recv *startup = &engine->startup;
	char		     why[TLS_WHY_SIZE];
	struct tls_context  *tls;

	engine_certs_start(&engine->certs, startup, REQUEST_CERTS_CHAIN);
	tls = server_context(engine, why);
	if (tls == NULL) {
		if (why[0] != '\0')
			log_warnx("%s", why);
		return -1;
	}
	engine->server = server_new(engine->loop, engine->conf,
	    engine->dataplane,
	    engine->keeper, engine->monitor, tls, startup);
	engine_certs_go(&engine->certs);
	return engine->server != NULL ? 0 : -1;
}

/* From what is in force; NULL and `why`. */
static struct tls_context *
server_context(struct engine *engine, char *why)
{
	const struct engine_certs	*certs = &engine->certs;
	struct tls_context_server config = {
		.chain = engine_certs_pem(certs, REQUEST_CERTS_CHAIN),
		.rsa_chain = engine_certs_pem(certs,
		REQUEST_CERTS_CHAIN_RSA),
		.site_ca = engine_certs_pem(certs, REQUEST_CERTS_SITE_CA),
		.crl = engine_certs_pem(certs, REQUEST_CERTS_CRL),
		.key = engine_certs_key(certs, REQUEST_CERTS_CHAIN),
		.rsa_key = engine_certs_key(certs, REQUEST_CERTS_CHAIN_RSA),
	};

	/* Without a list, no site may log in by certificate. */
	if (config.crl.text == NULL)
		config.site_ca = (struct ca_pem) { 0 };
	why[0] = '\0'; /* engine_certs.c or the monitor has said it */
	if (config.key != NULL && config.rsa_key != NULL)
		config.other = tls_srp_new_server(
		    &engine->server, engine->sign, why);
	if (config.key != NULL &&
	    (config.rsa_key == NULL || config.other != NULL))
		return tls_context_new_server(&config, why);
	gnutls_privkey_deinit(config.key);
	gnutls_privkey_deinit(config.rsa_key);
	return NULL;
}

/* Where the password goes into the handshake, it is needed before there is one. */
static int
start_client(struct engine *engine)
{
	engine_certs_start(&engine->certs, &engine->startup,
	    engine->conf->auth == CONF_AUTH_CERTIFICATE ?
		REQUEST_CERTS_SITE : REQUEST_CERTS_KINDS);
	if (engine->conf->auth == CONF_AUTH_TLS_SRP)
		return keeper_ask_secret(engine->keeper, REQUEST_SECRET,
		    on_secret, engine);
	return make_client(engine, NULL);
}

static void
on_secret(void *arg, const char *secret, size_t len, int error)
{
	struct engine *engine = arg;
	char	       password[REQUEST_MAX_PASSWORD + 1] = "";
	int	       r = -1;

	if (secret != NULL && len < sizeof(password)) {
		/* A view of a message: there is no NUL behind it. */
		memcpy(password, secret, len);
		r = make_client(engine, password);
		secret_wipe(password, sizeof(password));
	} else {
		log_warnx("this site's password cannot be read: %s",
		    strerror(error != 0 ? error : EMSGSIZE));
	}
	if (r < 0)
		on_monitor_gone(engine);
}

static int
make_client(struct engine *engine, const char *password)
{
	char		    why[TLS_WHY_SIZE];
	struct tls_context *tls = client_context(engine, password, why);

	if (tls == NULL) {
		if (why[0] != '\0')
			log_warnx("%s", why);
		return -1;
	}
	engine->client = client_new(engine->loop, engine->conf,
	    engine->dataplane, engine->keeper, engine->monitor, tls,
	    engine->startup.device.mtu);
	engine_certs_go(&engine->certs);
	return engine->client != NULL ? 0 : -1;
}

static struct tls_context *
client_context(struct engine *engine, const char *password, char *why)
{
	const struct engine_certs	*certs = &engine->certs;
	struct tls_context_client config = {
		.ca = engine_certs_pem(certs, REQUEST_CERTS_CA),
		.site_chain = engine_certs_pem(certs, REQUEST_CERTS_SITE),
	};

	why[0] = '\0'; /* of files, engine_certs.c or the monitor has said it */
	if (config.ca.len == 0)
		return NULL;
	if (engine->conf->auth == CONF_AUTH_TLS_SRP) {
		if (password == NULL)
			strlcpy(why, "with tls-srp that needs a restart",
			    TLS_WHY_SIZE);
		else
			config.other = tls_srp_new_client(engine->conf->site,
			    password, why);
		if (config.other == NULL)
			return NULL;
	} else if (engine->conf->auth == CONF_AUTH_CERTIFICATE) {
		config.site_key = engine_certs_key(certs,
		    REQUEST_CERTS_SITE);
		if (config.site_key == NULL)
			return NULL;
	}
	return tls_context_new_client(&config, why);
}

/* In reverse order of creation: users before what they use. */
static void
stop(struct engine *engine)
{
	admin_free(engine->admin);
	server_free(engine->server);
	client_free(engine->client);
	dataplane_free(engine->dataplane);
	keeper_ask_free(engine->keeper);
	sign_ask_free(engine->sign);
	monitor_ask_free(engine->monitor);
	if (engine->loop != NULL) {
		ev_signal_stop(engine->loop, &engine->terminate);
		ev_timer_stop(engine->loop, &engine->goodbye);
		ev_timer_stop(engine->loop, &engine->expiry_timer);
		ev_loop_destroy(engine->loop);
	}
	conf_free(engine->conf);
	engine_certs_fini(&engine->certs);
	startup_recv_free(&engine->startup);
}

static void
on_conf(void *arg, struct conf *conf)
{
	struct engine *engine = arg;
	struct conf   *old = engine->conf;

	engine->conf = conf;
	log_set_level(conf->log_level);
	dataplane_reconfigure(engine->dataplane, conf);
	if (engine->server != NULL)
		server_reconfigure(engine->server, conf);
	if (engine->client != NULL)
		client_reconfigure(engine->client, conf);
	conf_free(old);
}

static void
on_keeper(void *arg, int auth_fd, int sign_fd)
{
	struct engine *engine = arg;

	sign_ask_attach(engine->sign, sign_fd);
	keeper_ask_attach(engine->keeper, auth_fd);
	if (engine->certs.started)
		engine_certs_retry(&engine->certs);
}

static void
on_certs(void *arg, enum request_certs kind, struct startup_text text,
    bool trouble)
{
	struct engine *engine = arg;

	engine_certs_offer(&engine->certs, kind, text, trouble);
}

static bool
on_apply(void *arg, enum request_certs kind, char why[TLS_WHY_SIZE])
{
	struct engine	   *engine = arg;
	bool		    is_sites = kind == REQUEST_CERTS_CA ||
	    kind == REQUEST_CERTS_SITE;
	struct tls_context *tls = is_sites ?
	    client_context(engine, NULL, why) : server_context(engine, why);

	if (tls == NULL) {
		/* A revoked site must not log in. */
		if (kind == REQUEST_CERTS_CRL)
			tls_context_refuse_sites(engine->server->tls);
		return false;
	}
	if (is_sites)
		client_set_tls(engine->client, tls);
	else
		server_set_tls(engine->server, tls);
	log_info(kind == REQUEST_CERTS_CRL ?
		"crl: changed; it is in force for sites' certificates" :
		"certificates: changed; new connections use them");
	engine_look_at_certificates(engine);
	expiry_warn(&engine->expiry, tls_context_time(), mono_now());
	return true;
}

static void
on_in_force(void *arg, enum request_certs kind, uint32_t number)
{
	struct engine *engine = arg;

	monitor_ask_in_force(engine->monitor, kind, number);
}

static void
on_credential(void *arg, const char *site)
{
	struct engine *engine = arg;

	if (engine->server != NULL)
		server_credential_changed(engine->server, site);
}

static void
on_network_changed(void *arg)
{
	struct engine *engine = arg;

	if (engine->client != NULL)
		client_network_changed(engine->client);
}

static void
on_egress(void *arg, const struct request_egress *egress)
{
	struct engine *engine = arg;

	engine->egress = *egress;
}

static void
on_host(void *arg, const struct request_host *host)
{
	struct engine *engine = arg;

	engine->host = *host;
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

	log_warnx("the device is gone: another program removed it");
	on_monitor_gone(engine);
}

static void
on_terminate(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	struct engine *engine = sig->data;

	if (ev_is_active(&engine->goodbye))
		return;
	if (engine->server != NULL)
		server_bye(engine->server, "the hub stops");
	if (engine->client != NULL)
		client_bye(engine->client, "the site stops");
	ev_timer_start(loop, &engine->goodbye);
}

static void
on_expiry(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct engine *engine = timer->data;

	if (engine->certs.started)
		engine_certs_retry(&engine->certs);
	engine_look_at_certificates(engine);
	expiry_warn(&engine->expiry, tls_context_time(), mono_now());
}

static void
on_goodbye_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	ev_break(loop, EVBREAK_ALL);
}
