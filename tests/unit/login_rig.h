/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * login_rig: a hub and two sites for the tests of the login.
 *
 * Each end is a whole engine in this process, started as the monitor starts it:
 * its configuration, certificates and sockets come by the monitor's requests,
 * its keeper is a process of its own with a directory of its own.  Only the
 * monitor's answers are the test's (no root): it makes the sockets, and its end
 * of a PAM helper is `end->helper`.  All is real but the device, which is one
 * end of a socket pair.
 *
 * The tests go through few doors, so that what is behind them may change:
 * rig_setup(), hub_start(), site_start(), end_stop(), end_cut(), TURN_UNTIL(),
 * and what status says.
 */
#ifndef LOGIN_RIG_H
#define LOGIN_RIG_H

#include "base/json_safe.h"
#include "proc/proc.h"
#include "proc/sandbox.h"

#include <ev.h>

/* The engine as it is, in our loop, unconfined, at a channel of ours. */
static int	       engine_fd;
static struct ev_loop *engine_loop;
#undef PROC_CHAN_FD
#define PROC_CHAN_FD	     engine_fd
#define sandbox_calls(which) ((void)(which))
#define ev_loop_new(flags)   engine_loop
#define ev_loop_destroy(l)   ((void)(l))
#include "engine/engine.c"
#undef sandbox_calls
#undef ev_loop_new
#undef ev_loop_destroy

#include "keeper_rig.h"

#include <jansson.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "engine/listings.h"
#include "engine/status.h"
#include "keeper/auth_method.h"
#include "keeper/auth_srp.h"
#include "monitor/serve/startup_send.h"
#include "monitor/host/sockets.h"
#include "pki/ca.h"
#include "pki/crl.h"
#include "proc/voucher.h"
#include "unit.h"

#define PASSWORD "open sesame"

struct end {
	char		dir[96]; /* of its configuration */
	int		keeper[2];
	pid_t		keeper_pid;
	struct engine  *engine; /* NULL: it does not run */
	struct conf    *conf;
	struct certs certs;
	struct tapdev	device;
	int		frames; /* the kernel's end of the device */

	/* as the monitor sees it */
	struct chan monitor;
	struct addr from;	/* its connections come from there */
	uint16_t    to;		/* and go to this port */
	int	    connection; /* the last one, ours too; -1: none */
	unsigned    nconnections;
	int	    helper; /* PAM: the conversation; -1: none */
	unsigned    nhelpers;
	bool	    no_helper;	 /* there can be none */
	int	    network_errno; /* of NETWORK */
};

static struct end hub, site, twin;
static uint16_t	  hub_port;
static int	  hub_tcp, hub_udp;
static char	  rig_dir[64];
static const uint8_t voucher_key[VOUCHER_KEY_LEN] = { 'v' };
static struct ca_pem ca_key, ca_cert, crl;

static inline void
turn(void)
{
	struct timespec pause = { 0, 500000 };

	ev_run(engine_loop, EVRUN_NOWAIT);
	nanosleep(&pause, NULL);
}

#define TURN_UNTIL(condition)                                                  \
	do {                                                                   \
		struct mono turn_end = mono_add(mono_now(), 30 * MONO_SEC);    \
		bool	    turn_done;                                         \
                                                                               \
		while (!(turn_done = (condition)) &&                           \
		    !mono_is_due(turn_end, mono_now()))                        \
			turn();                                                \
		ck_assert_msg(turn_done, "not within 30 s: %s", #condition);   \
	} while (0)

static inline void
turn_for(double sec)
{
	struct mono end = mono_add(mono_now(), (int64_t)(sec * MONO_SEC));

	while (!mono_is_due(end, mono_now()))
		turn();
}

/* ---- what status says ---- */

/* Good until the next of these. */
static inline const char *
text_of(json_t *object, const char *key)
{
	static char   text[512];
	const json_t *value = json_object_get(object, key);

	text[0] = '\0';
	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%lld",
		    (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		strcpy(text, json_is_true(value) ? "true" : "false");
	else if (json_is_string(value))
		strlcpy(text, json_string_value(value), sizeof(text));
	json_decref(object);
	return text;
}

static inline const char *
status(struct end *end, const char *key)
{
	return text_of(status_get(end->engine, NULL), key);
}

static inline unsigned
counter(struct end *end, const char *key)
{
	json_t *all = status_get(end->engine, NULL);
	json_t *counters = json_incref(json_object_get(all, "counters"));

	json_decref(all);
	ck_assert_msg(json_object_get(counters, key) != NULL, "%s", key);
	return (unsigned)strtoul(text_of(counters, key), NULL, 10);
}

/* Of a site, at the hub; "" when it has none of that. */
static inline const char *
at_hub(const char *name, const char *key)
{
	json_t *all = listings_sites(hub.engine, NULL), *row, *found = NULL;
	size_t	i;

	json_array_foreach(json_object_get(all, "sites"), i, row) {
		if (strcmp(json_string_value(json_object_get(row, "name")),
			name) == 0)
			found = json_incref(row);
	}
	json_decref(all);
	ck_assert_msg(found != NULL, "%s", name);
	return text_of(found, key);
}

/* Of a site: the hub, as it is seen there. */
static inline const char *
at_site(struct end *end, const char *key)
{
	json_t *all = listings_sites(end->engine, NULL);
	json_t *row = json_incref(json_array_get(
	    json_object_get(all, "sites"), 0));

	json_decref(all);
	return text_of(row, key);
}

static inline bool
is_up(struct end *end)
{
	return strcmp(status(end, "state"), "up") == 0;
}

static inline bool
hub_has(const char *name)
{
	return strcmp(at_hub(name, "state"), "up") == 0;
}

static inline bool
is_adrift(const char *name)
{
	return at_hub(name, "adrift_s")[0] != '\0';
}

static inline bool
says(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* ---- the monitor ---- */

static inline void
answer_request(struct chan *chan, const struct chan_msg *msg, int error,
    const char *why, const int *fds, unsigned n)
{
	struct request_result result = { .error = (uint32_t)error };

	strlcpy(result.why, why, sizeof(result.why));
	ck_assert_int_eq(chan_send(chan, msg->type, msg->id, &result,
	    sizeof(result), fds, n), 0);
}

/* To this port of the loopback, from that address of it. */
static inline int
connect_from(const struct addr *from, uint16_t port)
{
	struct endpoint	   own = endpoint_make(from, 0), to;
	struct addr	   addr;
	int		   fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(addr_parse(&addr, "127.0.0.1"));
	to = endpoint_make(&addr, port);
	ck_assert_int_eq(bind(fd, &own.sa, own.len), 0);
	ck_assert_int_eq(connect(fd, &to.sa, to.len), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static inline void
give_connection(struct end *end, struct chan_msg *msg)
{
	int fd = connect_from(&end->from, end->to);

	if (end->connection != -1)
		close(end->connection);
	end->connection = dup(fd);
	end->nconnections++;
	answer_request(&end->monitor, msg, 0, "", &fd, 1);
	close(fd);
}

static inline void
give_lanes(struct end *end, struct chan_msg *msg)
{
	struct addr	addr;
	struct endpoint ep;
	int		fds[CONF_MAX_WORKERS];
	struct request_server server;
	unsigned	n;

	ck_assert(chan_get(msg, &server, sizeof(server)));
	n = server.count;
	ck_assert(addr_parse(&addr, "127.0.0.1"));
	ep = endpoint_make(&addr, end->to);
	ck_assert_int_eq(sockets_lanes(&ep, 0, fds, n), (int)n);
	answer_request(&end->monitor, msg, 0, "", fds, n);
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static inline void
give_helper(struct end *end, struct chan_msg *msg)
{
	int fds[2];

	if (end->helper != -1)
		close(end->helper);
	end->helper = -1;
	end->nhelpers++;
	if (end->no_helper) {
		answer_request(&end->monitor, msg, EAGAIN, "", NULL, 0);
		return;
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fds), 0);
	end->helper = fds[0];
	answer_request(&end->monitor, msg, 0, "", &fds[1], 1);
	close(fds[1]);
}

static inline void
on_engine_request(struct chan *chan, struct chan_msg *msg)
{
	struct end	       *end = chan->arg;
	struct request_list	list = { .port = end->to, .n = 1 };
	struct request_in_force in_force;

	switch (msg->type) {
	case REQUEST_RESOLVE:
		ck_assert(addr_parse(&list.list[0], "127.0.0.1"));
		ck_assert_int_eq(chan_send(chan, msg->type, msg->id, &list,
		    sizeof(list), NULL, 0), 0);
		break;
	case REQUEST_CONNECT:
		give_connection(end, msg);
		break;
	case REQUEST_LANES:
		give_lanes(end, msg);
		break;
	case REQUEST_PAM:
		give_helper(end, msg);
		break;
	case REQUEST_NETWORK:
	case REQUEST_DNS:
		answer_request(chan, msg, end->network_errno,
		    end->network_errno != 0 ? "not here" : "", NULL, 0);
		break;
	case REQUEST_IN_FORCE:
		ck_assert(chan_get(msg, &in_force, sizeof(in_force)));
		certs_in_force(&end->certs, in_force.kind, in_force.number);
		break;
	case REQUEST_READY:
	case REQUEST_DOWN:
	case REQUEST_PONG:
		break;
	default:
		ck_abort_msg("the engine asks for %u", msg->type);
	}
}

static inline void
on_engine_gone(struct chan *chan)
{
	ck_abort_msg("the engine is gone");
}

/* ---- files ---- */

static inline void
put_text(const char *where, const char *name, const char *fmt, ...)
{
	char	text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_below(where, name, text, 0600);
}

static inline void
unlink_below(const char *where, const char *name)
{
	char *path = file_join(where, name);

	(void)unlink(path);
	free(path);
}

static inline void
put_line(const char *name, const char *line)
{
	put_text(hub.dir, name, "%s\n", line);
}

/* What the hub keeps of a site's password. */
static inline void
put_credential(const char *name, enum conf_auth auth, const char *password)
{
	char line[AUTH_SRP_LINE_SIZE], file[CREDENTIALS_NAME_MAX], path[160];

	if (!credentials_site_name(name, auth, file))
		return;
	if (auth_method_find(auth) != NULL)
		ck_assert_int_eq(auth_method_find(auth)->make(name, password,
		    line, sizeof(line)), 0);
	else
		strcpy(line, "0123456789abcdef"); /* PAM: a version */
	snprintf(path, sizeof(path), "keeper/%s", file);
	put_line(path, line);
}

static inline void
put_site(const char *name, enum conf_auth auth, const char *more)
{
	char file[96];

	snprintf(file, sizeof(file), "sites.d/%s.conf", name);
	put_text(hub.dir, file, "[site %s]\nauth = %s\n%s", name,
	    conf_auth_name(auth), more);
}

/* A certificate that says it is `name`, and its key, for a site to show. */
static inline void
put_certificate(struct end *end, const char *name, struct ca_pem *cert)
{
	struct ca_pem key;

	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_sign_site(&ca_cert, &ca_key, &key, name, ca_now(),
	    cert), 0);
	put_below(end->dir, "client.crt", cert->text, 0600);
	put_below(end->dir, "keeper/client.key", key.text, 0600);
	ca_pem_fini(&key);
}

static inline void
make_dirs(struct end *end, const char *name)
{
	char path[128];

	snprintf(end->dir, sizeof(end->dir), "%s/%s", rig_dir, name);
	ck_assert_int_eq(mkdir(end->dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/keeper", end->dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	end->connection = end->helper = end->frames = -1;
	ck_assert(addr_parse(&end->from, "127.0.0.2"));
}

static inline void
fork_keeper(struct end *end)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/keeper", end->dir);
	end->keeper_pid = start_keeper(path, end == &hub ?
	    voucher_key_pipe(voucher_key) : -1, &end->keeper[0],
	    &end->keeper[1]);
}

/* Our hold on its channels. */
static inline void
close_keeper(struct end *end)
{
	for (unsigned i = 0; i < 2; i++) {
		if (end->keeper[i] != -1)
			close(end->keeper[i]);
		end->keeper[i] = -1;
	}
}

/* ---- the life of an end ---- */

static inline char *
print_conf(const struct conf *conf, size_t *len)
{
	char *text;
	FILE *out = open_memstream(&text, len);

	ck_assert_ptr_nonnull(conf);
	conf_print(out, conf);
	fclose(out);
	return text;
}

static inline void
end_start(struct end *end)
{
	struct startup_send	   opening = { .certs = &end->certs,
		   .device = &end->device, .admin = -1,
		   .keeper = { end->keeper[0], end->keeper[1] },
		   .totals = memfd_create("totals", MFD_CLOEXEC) };
	struct conf_errors errors = { 0 };
	char		   path[128], why[REQUEST_WHY_SIZE];
	char		  *text;
	int		   fds[2], queue[2];

	snprintf(path, sizeof(path), "%s/tombolo.conf", end->dir);
	end->conf = conf_load(path, CONF_LOAD_LIVE, &errors);
	ck_assert_ptr_nonnull(end->conf);
	ck_assert_msg(certs_read(&end->certs, end->conf, why,
	    sizeof(why)), "%s", why);
	text = print_conf(end->conf, &opening.conf_len);
	opening.conf = text;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, queue), 0);
	end->frames = queue[1];
	end->device = (struct tapdev) { .name = "tap9", .mtu = 1500,
		.queues = { queue[0] }, .nqueues = 1 };
	if (end == &hub) {
		opening.listeners[0] = hub_tcp;
		opening.udp[0][0] = hub_udp;
		opening.nlisteners = opening.nudp = 1;
	}
	ck_assert_int_eq(chan_pair(fds), 0);
	chan_open(&end->monitor, engine_loop, fds[0], on_engine_request,
	    on_engine_gone, end);
	ck_assert_int_eq(ftruncate(opening.totals, REQUEST_TOTALS_SIZE), 0);
	ck_assert_int_eq(startup_send_all(&end->monitor, &opening), 0);
	close(opening.totals);
	free(text);
	close(queue[0]);
	close_keeper(end);
	engine_fd = fds[1];
	end->engine = calloc(1, sizeof(*end->engine));
	ck_assert_int_eq(startup_recv_all(PROC_CHAN_FD, &end->engine->startup), 0);
	ck_assert_int_eq(start(end->engine), 0);
}

static inline void
on_engine_stops(struct chan *chan)
{
	(void)chan;
}

static inline void
end_stop(struct end *end)
{
	if (end->engine == NULL)
		return;
	end->monitor.on_closed = on_engine_stops;
	stop(end->engine);
	free(end->engine);
	end->engine = NULL;
	chan_close(&end->monitor);
	close(end->frames);
	if (end->connection != -1)
		close(end->connection);
	if (end->helper != -1)
		close(end->helper);
	end->connection = end->helper = -1;
	certs_fini(&end->certs);
	conf_free(end->conf);
	end->conf = NULL;
}

/* The configuration anew, as the monitor reads and sends it. */
static inline void
end_reload(struct end *end)
{
	struct conf_errors errors = { 0 };
	struct conf	  *running = end->conf, *main;
	char		   path[128], *text;
	size_t		   len;

	snprintf(path, sizeof(path), "%s/tombolo.conf", end->dir);
	main = conf_load(path, CONF_LOAD_MAIN, &errors);
	text = print_conf(main, &len);
	end->conf = conf_load_sites(text, len, path, end->dir, running,
	    &errors);
	free(text);
	text = print_conf(end->conf, &len);
	ck_assert_int_eq(startup_send_conf(&end->monitor, text, len), 0);
	free(text);
	conf_free(main);
	conf_free(running);
	turn_for(0.05);
}

/* And its certificates and lists. */
static inline void
end_news(struct end *end)
{
	char why[REQUEST_WHY_SIZE];

	ck_assert_msg(certs_read(&end->certs, end->conf, why,
	    sizeof(why)), "%s", why);
	ck_assert(certs_any_news(&end->certs));
	ck_assert_int_eq(startup_send_news(&end->monitor, &end->certs), 0);
	turn_for(0.05);
}

static inline void
credential_changed(const char *name)
{
	ck_assert_int_eq(startup_send_credentials(&hub.monitor, &name, 1), 0);
}

/* The last connection breaks, and nobody says so. */
static inline void
end_cut(struct end *end)
{
	ck_assert_int_eq(shutdown(end->connection, SHUT_RDWR), 0);
}

/* It thinks until it is let go on: nothing else is to be asked of it. */
static inline void
hold_keeper(struct end *end)
{
	ck_assert_int_eq(kill(end->keeper_pid, SIGSTOP), 0);
}

static inline void
let_keeper_go(struct end *end)
{
	ck_assert_int_eq(kill(end->keeper_pid, SIGCONT), 0);
}

static inline void
kill_keeper(struct end *end)
{
	ck_assert_int_eq(kill(end->keeper_pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(end->keeper_pid, NULL, 0), end->keeper_pid);
}

/*
 * For an end that starts again.  The child must not keep open what is to be
 * closed here.
 */
static inline void
fork_keeper_anew(struct end *end)
{
	close_keeper(end);
	fork_keeper(end);
}

#define ALL_AUTHS                                                              \
	"auth = srp\nauth = password\nauth = pam\nauth = certificate\n"

/* LOGIN_LOG in the environment: what the ends log is shown. */
static inline const char *
quiet(void)
{
	return getenv("LOGIN_LOG") != NULL ? "log-level = debug\n" :
					     "log-level = error\n";
}

static inline void
hub_configure(const char *mode, const char *more)
{
	put_text(hub.dir, "tombolo.conf",
	    "[server]\nname = 127.0.0.1\nport = %u\nlisten = 127.0.0.1\n%s%s"
	    "[interface]\nmode = %s\nworkers = 1\n%s", hub_port,
	    quiet(), more, mode,
	    strcmp(mode, "tap") == 0 ? "[switch]\nloop-probe = no\n" : "");
}

/* `more` is of [server]. */
static inline void
hub_start(const char *more)
{
	hub_configure("tap", more);
	end_start(&hub);
}

static inline void
site_configure(struct end *end, const char *name, enum conf_auth auth,
    const char *mode, const char *more)
{
	put_text(end->dir, "tombolo.conf",
	    "[client]\nserver = 127.0.0.1:%u\nsite = %s\nauth = %s\n%s%s"
	    "[interface]\nmode = %s\nworkers = 1\n", end->to, name,
	    conf_auth_name(auth), quiet(), more, mode);
}

static inline void
site_start(struct end *end, const char *name, enum conf_auth auth)
{
	site_configure(end, name, auth, "tap", "");
	end_start(end);
}

static inline void
login_setup(void)
{
	struct addr   addr;
	struct ca_pem key, cert;
	struct endpoint ep = { .len = sizeof(ep.in6) };
	char	     *names[] = { (char[]) { "127.0.0.1" } }, path[128];

	log_init(NULL, getenv("LOGIN_LOG") != NULL ? LOG_LEVEL_DEBUG :
						     LOG_LEVEL_ERROR);
	json_safe_setup();
	tls_context_setup();
	strcpy(rig_dir, "/tmp/check_login.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig_dir));
	hub = site = twin = (struct end) { 0 };
	make_dirs(&hub, "hub");
	make_dirs(&site, "site");
	make_dirs(&twin, "twin");
	snprintf(path, sizeof(path), "%s/keeper/sites", hub.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/sites.d", hub.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);

	ck_assert_int_eq(ca_make_key(&ca_key), 0);
	ck_assert_int_eq(ca_make(&ca_key, "a", ca_now(), &ca_cert), 0);
	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_sign_server(&ca_cert, &ca_key, &key, names, 1,
	    ca_now(), &cert), 0);
	crl = (struct ca_pem) { 0 };
	put_below(hub.dir, "server.crt", cert.text, 0600);
	put_below(hub.dir, "keeper/server.key", key.text, 0600);
	put_below(hub.dir, "ca.crt", ca_cert.text, 0600);
	put_below(site.dir, "ca.crt", ca_cert.text, 0600);
	put_below(twin.dir, "ca.crt", ca_cert.text, 0600);
	put_below(site.dir, "keeper/password", PASSWORD "\n", 0600);
	put_below(twin.dir, "keeper/password", PASSWORD "\n", 0600);
	ca_pem_fini(&key);
	ca_pem_fini(&cert);

	/* Before anything else is open that they would keep open. */
	ask = NULL;
	fork_keeper(&hub);
	fork_keeper(&site);
	fork_keeper(&twin);
	engine_loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert(addr_parse(&addr, "127.0.0.1"));
	for (int r = -1; r < 0;) {
		hub_tcp = sockets_listen_tcp(&addr, 0);
		ck_assert_int_eq(getsockname(hub_tcp, &ep.sa, &ep.len), 0);
		hub_port = endpoint_port(&ep);
		r = sockets_listen_udp(&addr, hub_port, &hub_udp, 1);
		if (r < 0)
			close(hub_tcp);
	}
	site.to = twin.to = hub_port;
}

static inline void
login_teardown(void)
{
	end_stop(&site);
	end_stop(&twin);
	end_stop(&hub);
	close_keeper(&site);
	close_keeper(&twin);
	close_keeper(&hub);
	close(hub_tcp);
	close(hub_udp);
	ev_loop_destroy(engine_loop);
	while (wait(NULL) > 0)
		;
	ca_pem_fini(&ca_key);
	ca_pem_fini(&ca_cert);
	ca_pem_fini(&crl);
	remove_all(rig_dir);
}

/* main() of a program with these tests, each with a fixture around it. */
static inline int
login_run(const char *name, void (*setup)(void), void (*teardown)(void),
    const TTest *const *tests, size_t n)
{
	Suite	*suite = suite_create(name);
	TCase	*tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#define LOGIN_MAIN(name, setup, teardown, ...)                                 \
	int main(void)                                                         \
	{                                                                      \
		const TTest *const tests[] = { __VA_ARGS__ };                  \
                                                                               \
		return login_run(name, setup, teardown, tests, nitems(tests)); \
	}

#endif /* LOGIN_RIG_H */
