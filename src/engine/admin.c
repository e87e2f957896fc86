/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>
#include <ev.h>
#include <jansson.h>

#include "base/bucket.h"
#include "base/json_safe.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "control/client.h"
#include "control/server.h"
#include "engine/engine.h"
#include "engine/listings.h"
#include "engine/status.h"

#define PAUSE_SEC    0.5
#define RELOAD_BURST 48
#define RELOAD_US    (MONO_SEC / 50)
#define NEXT_SEC     0.05

struct asker {
	struct admin   *admin;
	struct ev_io	io;
	struct ev_timer timer;
	char		line[ADMIN_MAX_LINE];
	size_t		len;
	unsigned	reload; /* the number of that it waits for; 0: none */
	char		site[CONF_NAME_MAX + 1]; /* that it asks about; or "" */
	char	       *answer; /* owned */
	size_t		answer_len, sent;
	LIST_ENTRY(asker) entry;
};

struct admin {
	struct engine *engine;
	struct ev_io   acceptor;
	struct ev_timer pause; /* when descriptors have run out */
	unsigned       nclients;
	struct bucket  reloads;
	struct ev_timer next; /* when there were too many */
	unsigned       reload; /* the number of the latest */
	bool	       reloading; /* it is under way */
	bool	       wanted, all; /* the next one; not of the sites alone */
	LIST_HEAD(, asker) askers;
};

static void on_acceptable(struct ev_loop *loop, struct ev_io *io, int events);
static void on_pause_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_event(struct ev_loop *loop, struct ev_io *io, int events);
static void on_timeout(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void read_line(struct asker *asker);
static void take_line(struct asker *asker, size_t len);
static void answer(struct asker *asker, const char *line, size_t len);
static void reload(struct asker *asker, const json_t *request, bool all);
static void on_next(struct ev_loop *loop, struct ev_timer *timer, int events);
static void start_reload(struct admin *admin);
static void on_reloaded(void *arg, int error, const char *why);
static json_t *reloaded(const struct asker *asker, bool taken);
static void reply(struct asker *asker, json_t *object);
static json_t *run_command(struct engine *engine, const char *name,
    const json_t *request);
static json_t *kick(struct engine *engine, const json_t *request);
static json_t *login(struct engine *engine, const json_t *request);
static json_t *question(struct engine *engine, const json_t *request);
static json_t *give_answer(struct engine *engine, const json_t *request);
static json_t *error_about(const char *site, const char *what);
static void write_answer(struct asker *asker);
static void asker_free(struct asker *asker);

static const struct {
	const char *name;
	json_t *(*run)(struct engine *engine, const json_t *request);
} commands[] = {
	{ "status", status_get },
	{ "sites", listings_sites },
	{ "fdb", listings_fdb },
	{ "routes", listings_routes },
	{ "kick", kick },
	{ "login", login },
	{ "question", question },
	{ "answer", give_answer },
};

struct admin *
admin_new(struct engine *engine, int listener)
{
	struct admin *admin = calloc(1, sizeof(*admin));

	if (admin == NULL)
		return NULL;
	admin->engine = engine;
	LIST_INIT(&admin->askers);
	ev_io_init(&admin->acceptor, on_acceptable, listener, EV_READ);
	admin->acceptor.data = admin;
	ev_timer_init(&admin->pause, on_pause_over, PAUSE_SEC, 0);
	ev_timer_init(&admin->next, on_next, NEXT_SEC, 0);
	admin->pause.data = admin->next.data = admin;
	ev_io_start(engine->loop, &admin->acceptor);
	return admin;
}

void
admin_free(struct admin *admin)
{
	struct asker *asker, *next;

	if (admin == NULL)
		return;
	for (asker = LIST_FIRST(&admin->askers); asker != NULL; asker = next) {
		next = LIST_NEXT(asker, entry);
		asker_free(asker);
	}
	monitor_ask_cancel(admin->engine->monitor, admin);
	ev_io_stop(admin->engine->loop, &admin->acceptor);
	ev_timer_stop(admin->engine->loop, &admin->pause);
	ev_timer_stop(admin->engine->loop, &admin->next);
	free(admin);
}

static void
on_acceptable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct admin *admin = io->data;
	struct asker *asker;
	int	      fd = accept4(io->fd, NULL, NULL,
		   SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1 && errno != EAGAIN && errno != ECONNABORTED &&
	    errno != EINTR) {
		ev_io_stop(loop, io);
		ev_timer_set(&admin->pause, PAUSE_SEC, 0);
		ev_timer_start(loop, &admin->pause);
	}
	if (fd == -1)
		return;
	if ((asker = calloc(1, sizeof(*asker))) == NULL) {
		close(fd);
		return;
	}
	if (++admin->nclients >= ADMIN_MAX_CLIENTS)
		ev_io_stop(loop, io); /* until one has gone */
	asker->admin = admin;
	LIST_INSERT_HEAD(&admin->askers, asker, entry);
	ev_io_init(&asker->io, on_event, fd, EV_READ);
	ev_timer_init(&asker->timer, on_timeout, ADMIN_TIME_SEC, 0);
	asker->io.data = asker->timer.data = asker;
	ev_io_start(loop, &asker->io);
	ev_timer_start(loop, &asker->timer);
}

static void
on_pause_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct admin *admin = timer->data;

	ev_io_start(loop, &admin->acceptor);
}

static void
on_event(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct asker *asker = io->data;

	if (asker->answer != NULL)
		write_answer(asker);
	else
		read_line(asker);
}

static void
on_timeout(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	asker_free(timer->data);
}

static void
read_line(struct asker *asker)
{
	ssize_t n = read(asker->io.fd, asker->line + asker->len,
	    sizeof(asker->line) - asker->len);
	char   *end;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		asker_free(asker);
		return;
	}
	asker->len += (size_t)n;
	end = memchr(asker->line, '\n', asker->len);
	if (end != NULL)
		take_line(asker, (size_t)(end - asker->line));
	else if (asker->len == sizeof(asker->line))
		asker_free(asker);
}

/* It may contain what a person typed. */
static void
take_line(struct asker *asker, size_t len)
{
	char line[ADMIN_MAX_LINE];

	memcpy(line, asker->line, len);
	secret_wipe(asker->line, sizeof(asker->line));
	answer(asker, line, len);
	secret_wipe(line, sizeof(line));
}

static void
answer(struct asker *asker, const char *line, size_t len)
{
	json_t	   *request = json_loadb(line, len, JSON_REJECT_DUPLICATES,
		   NULL);
	const char *name = json_string_value(
	    json_object_get(request, "command"));

	if (name != NULL && strcmp(name, "reload") == 0)
		reload(asker, request, true);
	else if (name != NULL && strcmp(name, "sync") == 0)
		reload(asker, request, false);
	else
		reply(asker, run_command(asker->admin->engine, name, request));
	json_decref(request);
}

/*
 * Not answered at once: one reload is under way at a time, and what comes in
 * the meantime is the next one.  The monitor allows more of them.
 */
static void
reload(struct asker *asker, const json_t *request, bool all)
{
	const char *site = json_string_value(json_object_get(request, "site"));

	asker->reload = asker->admin->reload + 1;
	asker->admin->wanted = true;
	asker->admin->all |= all;
	strlcpy(asker->site, site != NULL ? site : "", sizeof(asker->site));
	ev_io_stop(asker->admin->engine->loop, &asker->io);
	ev_timer_stop(asker->admin->engine->loop, &asker->timer);
	ev_timer_set(&asker->timer, ADMIN_SYNC_SEC, 0);
	ev_timer_start(asker->admin->engine->loop, &asker->timer);
	start_reload(asker->admin);
}

static void
on_next(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	start_reload(timer->data);
}

static void
start_reload(struct admin *admin)
{
	if (!admin->wanted || admin->reloading)
		return;
	if (!bucket_take(&admin->reloads, RELOAD_BURST, RELOAD_US,
		mono_now()) ||
	    monitor_ask_reload(admin->engine->monitor, admin->all, on_reloaded,
		admin) < 0) {
		ev_timer_start(admin->engine->loop, &admin->next);
		return;
	}
	admin->reload++;
	admin->reloading = true;
	admin->wanted = admin->all = false;
}

/* What the monitor brought came before, and is in force. */
static void
on_reloaded(void *arg, int error, const char *why)
{
	struct admin *admin = arg;
	struct asker *asker, *next;

	admin->reloading = false;
	for (asker = LIST_FIRST(&admin->askers); asker != NULL; asker = next) {
		next = LIST_NEXT(asker, entry);
		if (asker->reload != admin->reload)
			continue;
		asker->reload = 0;
		reply(asker, reloaded(asker, error == 0));
	}
	start_reload(admin);
}

static json_t *
reloaded(const struct asker *asker, bool taken)
{
	const struct engine    *engine = asker->admin->engine;
	const struct conf_site *site = conf_find_site(engine->conf,
	    asker->site);
	char	digest[CRL_DIGEST_SIZE];
	json_t *object;

	if (!taken)
		return admin_error("the configuration cannot be taken; the "
		    "log says why");
	object = json_pack("{s:b}", "ok", 1);
	status_add_notes(object, engine);
	/* Otherwise nobody logs in by certificate. */
	if ((engine->conf->auths & CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE)) != 0) {
		engine_certs_crl_digest(&engine->certs, digest);
		json_object_set_new(object, "crl", json_string(digest));
	}
	if (asker->site[0] != '\0')
		json_object_set_new(object, "site", json_string(
			site == NULL	? "absent" :
			site->disabled	? "disabled" :
			site->faulty	? "faulty" :
					  "enabled"));
	return object;
}

/* Consumes `object` (NULL when out of memory).  May free the asker. */
static void
reply(struct asker *asker, json_t *object)
{
	struct ev_loop *loop = asker->admin->engine->loop;

	asker->answer = json_safe_print(object, JSON_COMPACT, "\n",
	    &asker->answer_len);
	json_decref(object);
	if (asker->answer == NULL) {
		asker_free(asker);
		return;
	}
	ev_io_stop(loop, &asker->io);
	ev_io_set(&asker->io, asker->io.fd, EV_WRITE);
	ev_io_start(loop, &asker->io);
}

static json_t *
run_command(struct engine *engine, const char *name, const json_t *request)
{
	if (name == NULL)
		return admin_error("not a request");
	for (size_t i = 0; i < nitems(commands); i++) {
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(engine, request);
	}
	return admin_error("no such command");
}

static json_t *
kick(struct engine *engine, const json_t *request)
{
	const char *site = json_string_value(json_object_get(request, "site"));

	if (engine->server == NULL)
		return admin_error("this is a site: kick is the hub's");
	if (site == NULL || !conf_is_site_name(site))
		return admin_error("not a site's name");
	if (conf_find_site(engine->conf, site) == NULL)
		return error_about(site, "no such site is configured; tombolo "
		    "sites lists them");
	if (!server_kick(engine->server, site))
		return error_about(site, "not connected; there is no session to end");
	return json_pack("{s:b,s:s}", "ok", 1, "site", site);
}

/* A person is there, to answer what the stored password does not. */
static json_t *
login(struct engine *engine, const json_t *request)
{
	if (engine->client == NULL)
		return admin_error("this is a hub: login is for sites");
	client_login(engine->client);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *
question(struct engine *engine, const json_t *request)
{
	const struct client *client = engine->client;
	json_t		    *answer;

	if (client == NULL)
		return admin_error("this is a hub: login is for sites");
	answer = json_pack("{s:b,s:s,s:s}", "ok", 1, "state",
	    client_state_name(client), "last_error", client->last_error);
	if (client->auth.question) {
		json_object_set_new(answer, "question",
		    json_string(client->auth.text));
		json_object_set_new(answer, "echo",
		    json_boolean(client->auth.echo));
	}
	return answer;
}

static json_t *
give_answer(struct engine *engine, const json_t *request)
{
	const json_t *text = json_object_get(request, "text");

	if (engine->client == NULL || !json_is_string(text))
		return admin_error("not an answer");
	if (!auth_client_typed(&engine->client->auth, json_string_value(text),
		json_string_length(text)))
		return admin_error("the question has expired");
	return json_pack("{s:b}", "ok", 1);
}

json_t *
admin_error(const char *text)
{
	return json_pack("{s:b,s:s}", "ok", 0, "error", text);
}

static json_t *
error_about(const char *site, const char *what)
{
	return json_pack("{s:b,s:o}", "ok", 0, "error",
	    json_sprintf("site %s: %s", site, what));
}

static void
write_answer(struct asker *asker)
{
	ssize_t n = send(asker->io.fd, asker->answer + asker->sent,
	    asker->answer_len - asker->sent, MSG_NOSIGNAL);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		asker->sent += (size_t)n;
	if (n <= 0 || asker->sent == asker->answer_len)
		asker_free(asker);
}

static void
asker_free(struct asker *asker)
{
	struct admin *admin = asker->admin;

	ev_io_stop(admin->engine->loop, &asker->io);
	ev_timer_stop(admin->engine->loop, &asker->timer);
	close(asker->io.fd);
	LIST_REMOVE(asker, entry);
	admin->nclients--;
	ev_io_start(admin->engine->loop, &admin->acceptor);
	free(asker->answer);
	free(asker);
}
