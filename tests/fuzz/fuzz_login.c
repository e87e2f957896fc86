/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_login: one connection of a site's at a hub, behind TLS: messages in any
 * order, whole or not, until it is closed or up, and what comes then.
 *
 * First byte: 1, the site shows wien's certificate; second: how large the pieces
 * are that arrive.  The rest is what the site's end sends inside TLS.  The hub's
 * end is the real one, TLS, data path and all, made anew for each input.
 *
 * The keeper's and the monitor's answers are this program's: a password hash or
 * SRP would take a hundred times as long as all the rest, and no stored input
 * can hold a proof for a fresh challenge.  They are more generous than the real
 * ones: whoever knows PASSWORD, or sends a proof that begins with 1, is right,
 * whichever site it claims to be.  So what the hub itself must see to is seen:
 *
 *   it is up only when there was a yes for that site, by that site's method
 *   a welcome is said only then, and a frame leaves the device only then
 *   all that the hub says is whole messages
 */
#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <jansson.h>

#include "engine/listings.h"
#include "engine/status.h"
#include "base/json_safe.h"
#include "base/nitems.h"
#include "base/wire.h"
#include "engine/engine.h"
#include "dataplane/dataplane.h"
#include "control/conn/message.h"
#include "control/server.h"
#include "control/incoming.h"
#include "engine/ask/keeper_ask.h"
#include "engine/ask/monitor_ask.h"
#include "pki/ca.h"
#include "proc/chan.h"
#include "proc/pam_chat.h"
#include "proc/request.h"

#define PASSWORD   "open sesame"
#define TURNS	   6  /* of the loop, for a piece: a keeper's answer comes */
#define LAST_TURNS 40 /* PAM: there and back, twice */

/* Each method's site, and what must not get in whatever is right. */
static const char configuration[] =
    "[server]\nname = hub.example.org\n"
    "auth = srp\nauth = password\nauth = pam\nauth = certificate\n"
    "[interface]\nmode = tap\nworkers = 1\n"
    "[switch]\nloop-probe = no\nmax-addresses = 64\n"
    "max-addresses-per-site = 64\n"
    "[site berlin]\nauth = srp\n"
    "[site oslo]\nauth = password\n"
    "[site rome]\nauth = pam\n"
    "[site wien]\nauth = certificate\n"
    "[site off]\nauth = password\ndisabled = yes\n";

static struct ev_loop	  *loop;
static struct conf	  *conf;
static struct keeper_ask  *keeper;
static struct monitor_ask *monitor;
static struct chan	   keeper_end, monitor_end;
static struct ca_pem	   ca_cert, hub_key, hub_cert, site_key, site_cert;
static int		   helper = -1; /* PAM's end */
static struct ev_io	   helper_io;
static char		   helper_site[CONF_NAME_MAX + 1];
static int		   totals_fd;

/* To whom somebody said yes, and by which method. */
static struct yes {
	char	       site[CONF_NAME_MAX + 1];
	enum conf_auth auth;
} said[8];
static unsigned nsaid;
static bool	shows; /* wien's certificate */
static struct engine engine;

static void
say_yes(const char *site, enum conf_auth auth)
{
	struct yes *yes = &said[nsaid % nitems(said)];

	strlcpy(yes->site, site, sizeof(yes->site));
	yes->auth = auth;
	nsaid++;
}

/* ---- who may be up ---- */

static bool
may_be_up(const char *name, const char *auth)
{
	if (strcmp(name, "off") == 0)
		return false;
	if (strcmp(auth, "certificate") == 0)
		return shows && strcmp(name, "wien") == 0;
	for (unsigned i = 0; i < nsaid && i < nitems(said); i++) {
		if (strcmp(said[i].site, name) == 0 &&
		    strcmp(conf_auth_name(said[i].auth), auth) == 0)
			return true;
	}
	return false;
}

/* Whoever is up may be. */
static void
check_sites(void)
{
	json_t *all = listings_sites(&engine, NULL), *row;
	size_t	i;

	json_array_foreach(json_object_get(all, "sites"), i, row) {
		const char *name = json_string_value(json_object_get(row,
		    "name"));

		FUZZ_CHECK(strcmp(json_string_value(json_object_get(row,
			       "state")), "up") != 0 ||
		    may_be_up(name, json_string_value(json_object_get(row,
			"auth"))));
	}
	json_decref(all);
}

/* ---- the keeper's end ---- */

static void
give_grant(struct request_verdict *answer)
{
	answer->grant.token_len = 40;
	answer->grant.token[0] = 't';
	answer->grant.secret[0] = 's';
}

/* A real one says no to what is not known. */
static void
on_verify(const struct chan_msg *msg, struct request_verdict *answer)
{
	struct request_verify ask;

	FUZZ_CHECK(chan_get(msg, &ask, sizeof(ask)));
	FUZZ_CHECK(request_text_is_good(ask.site) && ask.known <= 1 &&
	    ask.password_len <= REQUEST_MAX_PASSWORD);
	if (ask.password_len != strlen(PASSWORD) ||
	    memcmp(ask.password, PASSWORD, ask.password_len) != 0)
		return;
	say_yes(ask.site, CONF_AUTH_PASSWORD);
	answer->verdict = 1;
	give_grant(answer);
}

static void
on_srp_start(const struct chan_msg *msg, struct request_srp_challenge *answer)
{
	struct request_known ask;

	FUZZ_CHECK(chan_get(msg, &ask, sizeof(ask)));
	FUZZ_CHECK(request_text_is_good(ask.site) && ask.known <= 1);
	answer->group = 3072;
	strlcpy(answer->setting, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1",
	    sizeof(answer->setting));
	answer->public_b[0] = 'B';
	answer->public_b_len = 384;
	/* Whose exchange it is comes back with it. */
	memcpy(answer->state, ask.site, sizeof(ask.site));
	answer->state_len = sizeof(ask.site);
}

static void
on_srp_finish(const struct chan_msg *msg, struct request_verdict *answer)
{
	struct request_srp_finish ask;
	char			  site[REQUEST_SITE_SIZE];

	FUZZ_CHECK(chan_get(msg, &ask, sizeof(ask)));
	FUZZ_CHECK(ask.state_len == sizeof(site) &&
	    ask.public_a_len <= sizeof(ask.public_a));
	memcpy(site, ask.state, sizeof(site));
	if (ask.m1[0] != 1)
		return;
	say_yes(site, CONF_AUTH_SRP);
	answer->verdict = answer->has_proof = 1;
	memcpy(answer->proof, ask.m1, sizeof(answer->proof));
	give_grant(answer);
}

static void
on_resume(const struct chan_msg *msg, struct request_verdict *answer)
{
	struct request_resume ask;

	FUZZ_CHECK(chan_get(msg, &ask, sizeof(ask)));
	FUZZ_CHECK(request_text_is_good(ask.site) && ask.token_len > 0 &&
	    ask.token_len <= sizeof(ask.token) && ask.method < CONF_AUTHS);
	if (ask.proof[0] != 1)
		return;
	say_yes(ask.site, (enum conf_auth)ask.method);
	answer->verdict = answer->has_proof = 1;
	memcpy(answer->proof, ask.proof, sizeof(answer->proof));
}

static void
on_keeper_request(struct chan *chan, struct chan_msg *msg)
{
	struct request_srp_challenge challenge = { .error = 0 };
	struct request_verdict	     answer = { .verdict = 0 };
	bool			     is_start = msg->type == REQUEST_SRP_START;

	switch (msg->type) {
	case REQUEST_VERIFY:
		on_verify(msg, &answer);
		break;
	case REQUEST_SRP_START:
		on_srp_start(msg, &challenge);
		break;
	case REQUEST_SRP_FINISH:
		on_srp_finish(msg, &answer);
		break;
	case REQUEST_RESUME:
		on_resume(msg, &answer);
		break;
	case REQUEST_VOUCHED:
		answer.verdict = 1;
		give_grant(&answer);
		break;
	default:
		FUZZ_CHECK(!"a request of a hub's");
	}
	FUZZ_CHECK(chan_send(chan, msg->type, msg->id,
		       is_start ? (void *)&challenge : (void *)&answer,
		       is_start ? sizeof(challenge) : sizeof(answer), NULL,
		       0) == 0);
}

/* ---- the monitor's end, and PAM's ---- */

static void
drop_helper(void)
{
	if (helper == -1)
		return;
	ev_io_stop(loop, &helper_io);
	close(helper);
	helper = -1;
}

/* Right answers let anybody in: which sites are PAM's it does not know. */
static void
on_helper(struct ev_loop *l, struct ev_io *io, int what)
{
	uint8_t buf[PAM_CHAT_MAX + 1], yes[1 + VOUCHER_LEN] = { PAM_CHAT_YES };
	ssize_t n = recv(io->fd, buf, sizeof(buf), 0);

	if (n <= 0) {
		drop_helper();
		return;
	}
	FUZZ_CHECK(buf[0] == PAM_CHAT_ANSWER);
	if ((size_t)n == 1 + strlen(PASSWORD) &&
	    memcmp(buf + 1, PASSWORD, (size_t)n - 1) == 0) {
		say_yes(helper_site, CONF_AUTH_PAM);
		(void)send(io->fd, yes, sizeof(yes), MSG_NOSIGNAL);
	} else {
		(void)send(io->fd, "\1\1Again", 7, MSG_NOSIGNAL);
	}
}

static void
on_monitor_request(struct chan *chan, struct chan_msg *msg)
{
	const struct request_result result = { .error = 0 };
	struct request_pam	    pam;
	int			    fds[2];

	FUZZ_CHECK(msg->type == REQUEST_PAM);
	FUZZ_CHECK(chan_get(msg, &pam, sizeof(pam)) &&
	    request_text_is_good(pam.site));
	strlcpy(helper_site, pam.site, sizeof(helper_site));
	drop_helper();
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
		       fds) == 0);
	helper = fds[0];
	ev_io_init(&helper_io, on_helper, helper, EV_READ);
	ev_io_start(loop, &helper_io);
	FUZZ_CHECK(send(helper, "\1\0Password", 10, 0) == 10);
	FUZZ_CHECK(chan_send(chan, msg->type, msg->id, &result, sizeof(result),
		       &fds[1], 1) == 0);
	close(fds[1]);
}

/* ---- the site's end ---- */

struct far {
	gnutls_session_t		 tls;
	gnutls_certificate_credentials_t cred;
	uint8_t				 in[MESSAGE_HEADER_LEN + MESSAGE_MAX];
	size_t				 in_len;
	bool				 over, welcome, frames;
};

static void
turn(unsigned n)
{
	while (n-- > 0)
		ev_run(loop, EVRUN_NOWAIT);
}

static gnutls_datum_t
datum_of(const struct ca_pem *pem)
{
	return (gnutls_datum_t) { (unsigned char *)pem->text,
		(unsigned)pem->len };
}

static void
far_open(struct far *far, int fd)
{
	static unsigned char name[] = "tombolo/1";
	const gnutls_datum_t alpn = { name, sizeof(name) - 1 };
	gnutls_datum_t	     cert = datum_of(&site_cert);
	gnutls_datum_t	     key = datum_of(&site_key);
	int		     r = GNUTLS_E_AGAIN;

	far->in_len = 0;
	far->over = far->welcome = far->frames = false;
	FUZZ_CHECK(gnutls_init(&far->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK |
		       GNUTLS_NO_SIGNAL) == 0);
	FUZZ_CHECK(gnutls_certificate_allocate_credentials(&far->cred) == 0);
	if (shows)
		FUZZ_CHECK(gnutls_certificate_set_x509_key_mem(far->cred, &cert,
			       &key, GNUTLS_X509_FMT_PEM) == 0);
	gnutls_credentials_set(far->tls, GNUTLS_CRD_CERTIFICATE, far->cred);
	gnutls_priority_set_direct(far->tls,
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519", NULL);
	gnutls_alpn_set_protocols(far->tls, &alpn, 1, 0);
	gnutls_transport_set_int(far->tls, fd);
	for (unsigned i = 0; i < 100 && r < 0; i++) {
		r = gnutls_handshake(far->tls);
		FUZZ_CHECK(r == 0 || gnutls_error_is_fatal(r) == 0);
		turn(1);
	}
	FUZZ_CHECK(r == 0);
}

static void
far_close(struct far *far)
{
	gnutls_deinit(far->tls);
	gnutls_certificate_free_credentials(far->cred);
}

static void
far_take(struct far *far)
{
	size_t	       len = MESSAGE_HEADER_LEN + wire_read_u24(far->in + 1);
	struct message msg;
	const char    *why;

	if (far->in[0] == MESSAGE_TYPE_FRAMES) {
		far->frames = true;
	} else {
		FUZZ_CHECK(far->in[0] == MESSAGE_TYPE_JSON);
		FUZZ_CHECK(message_decode(&msg, far->in + MESSAGE_HEADER_LEN,
			       len - MESSAGE_HEADER_LEN, &why) == 0);
		far->welcome = far->welcome || msg.type == MESSAGE_WELCOME;
		message_fini(&msg);
	}
	memmove(far->in, far->in + len, far->in_len - len);
	far->in_len -= len;
}

static void
far_read(struct far *far)
{
	while (!far->over) {
		ssize_t n = gnutls_record_recv(far->tls, far->in + far->in_len,
		    sizeof(far->in) - far->in_len);

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			return;
		far->over = n <= 0;
		far->in_len += n > 0 ? (size_t)n : 0;
		while (far->in_len >= MESSAGE_HEADER_LEN && far->in_len >=
		    MESSAGE_HEADER_LEN + wire_read_u24(far->in + 1))
			far_take(far);
	}
}

static void
far_send(struct far *far, const uint8_t *data, size_t size, size_t step)
{
	for (size_t i = 0; i < size && !far->over; i += step) {
		size_t n = size - i < step ? size - i : step;

		if (gnutls_record_send(far->tls, data + i, n) != (ssize_t)n)
			return;
		turn(TURNS);
		far_read(far);
		check_sites();
	}
}

/* ---- the hub's end ---- */

static void
on_device_gone(void *arg)
{
	FUZZ_CHECK(!"the device goes");
}

static struct tls_context *
hub_context(void)
{
	struct tls_context_server config = {
		.chain = { hub_cert.text, hub_cert.len },
		.site_ca = { ca_cert.text, ca_cert.len },
	};
	gnutls_datum_t	    key = datum_of(&hub_key);
	struct tls_context *context;
	char		    why[TLS_WHY_SIZE];

	FUZZ_CHECK(gnutls_privkey_init(&config.key) == 0);
	FUZZ_CHECK(gnutls_privkey_import_x509_raw(config.key, &key,
		       GNUTLS_X509_FMT_PEM, NULL, 0) == 0);
	context = tls_context_new_server(&config, why);
	FUZZ_CHECK(context != NULL);
	return context;
}

static void
setup(void)
{
	static const struct startup_recv_events nothing;
	struct conf_errors errors = { 0 };
	struct ca_pem	   ca_key;
	char		  *names[] = { (char[]) { "hub.example.org" } };
	int		   fds[2];

	signal(SIGPIPE, SIG_IGN);
	log_init(NULL, LOG_LEVEL_ERROR);
	json_safe_setup();
	conf = conf_parse_text(configuration, strlen(configuration), "fuzz",
	    "/nowhere", &errors);
	FUZZ_CHECK(conf != NULL);
	loop = ev_loop_new(EVFLAG_AUTO);
	FUZZ_CHECK(ca_make_key(&ca_key) == 0 && ca_make_key(&hub_key) == 0 &&
	    ca_make_key(&site_key) == 0);
	FUZZ_CHECK(ca_make(&ca_key, "a", ca_now(), &ca_cert) == 0);
	FUZZ_CHECK(ca_sign_server(&ca_cert, &ca_key, &hub_key, names, 1,
		       ca_now(), &hub_cert) == 0);
	FUZZ_CHECK(ca_sign_site(&ca_cert, &ca_key, &site_key, "wien", ca_now(),
		       &site_cert) == 0);
	ca_pem_fini(&ca_key);
	totals_fd = memfd_create("totals", MFD_CLOEXEC);
	FUZZ_CHECK(ftruncate(totals_fd, REQUEST_TOTALS_SIZE) == 0);
	FUZZ_CHECK(chan_pair(fds) == 0);
	keeper = keeper_ask_new(loop);
	keeper_ask_attach(keeper, fds[0]);
	chan_open(&keeper_end, loop, fds[1], on_keeper_request, NULL, NULL);
	FUZZ_CHECK(chan_pair(fds) == 0);
	monitor = monitor_ask_new(loop, fds[0], &nothing, NULL);
	chan_open(&monitor_end, loop, fds[1], on_monitor_request, NULL, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct far far;
	struct addr	  addr;
	struct endpoint	  from;
	int		  queue[2], fds[2];
	uint8_t		  frame[2048];
	bool		  allowed;

	if (size < 2)
		return 0;
	if (loop == NULL)
		setup();
	nsaid = 0;
	engine = (struct engine) { 0 };
	shows = (data[0] & 1) != 0;
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
		       queue) == 0);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) ==
	    0);
	engine.conf = engine.startup.conf = conf;
	engine.startup.device.mtu = 1500;
	engine.startup.totals = totals_fd;
	engine.startup.queues[0] = queue[0];
	engine.startup.nqueues = 1;
	engine.dataplane = dataplane_new(loop, &engine.startup, on_device_gone,
	    NULL);
	FUZZ_CHECK(engine.dataplane != NULL);
	engine.server = server_new(loop, conf, engine.dataplane, keeper, monitor,
	    hub_context(), &engine.startup);
	FUZZ_CHECK(engine.server != NULL);
	FUZZ_CHECK(addr_parse(&addr, "192.0.2.1"));
	from = endpoint_make(&addr, 4000);
	incoming_start(engine.server, fds[0], &from);

	far_open(&far, fds[1]);
	far_send(&far, data + 2, size - 2, data[1] > 0 ? data[1] : 4096);
	turn(LAST_TURNS);
	far_read(&far);
	check_sites();
	allowed = nsaid > 0 || shows;
	FUZZ_CHECK(allowed || (!far.welcome && !far.frames));

	server_free(engine.server);
	/* Its workers have ended: what is at the device now is all of it. */
	dataplane_free(engine.dataplane);
	FUZZ_CHECK(recv(queue[1], frame, sizeof(frame), 0) == -1 ||
	    (allowed && far.welcome));
	turn(2);
	drop_helper();
	far_close(&far);
	close(fds[1]);
	close(queue[0]);
	close(queue[1]);
	return 0;
}
