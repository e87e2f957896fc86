/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "control/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/addr.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "control/tls_context.h"
#include "control/tls_srp.h"

#define ALPN	    "tombolo/1"
#define READ_BUDGET 16 /* records a turn */

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_ENDED };

struct tls {
	struct tls_context	*context; /* a reference */
	struct ev_loop		*loop;
	struct ev_io		 reader, writer;
	int			 fd;
	gnutls_session_t	 session;
	enum tls_state		 state;
	char			*name;
	const struct tls_events *events;
	void			*arg;
	char			*description;
	gnutls_typed_vdata_st	 checks[2]; /* what the certificate must say */
	struct tls_srp_watch	 srp_watch;
	/* Bytes not yet taken by GnuTLS; a record it has begun stays first. */
	uint8_t *queue;
	size_t	 queue_len, queue_size;
};

static int set_up_session(struct tls *tls);
static void on_readable(struct ev_loop *loop, struct ev_io *io, int events);
static void on_writable(struct ev_loop *loop, struct ev_io *io, int events);
static void handshake(struct tls *tls);
static void finish_handshake(struct tls *tls);
static bool is_allowed(struct tls *tls);
static bool names_itself(struct tls *tls);
static gnutls_x509_crt_t peers_leaf(struct tls *tls);
static bool has_only_name(gnutls_x509_crt_t leaf, const char *site);
static void read_records(struct tls *tls);
static void write_queue(struct tls *tls);
static void want_write(struct tls *tls, bool want);
static void end(struct tls *tls, const char *why);
static void end_handshake(struct tls *tls, int r);
static void explain_certificate(struct tls *tls, char *why, size_t size);

struct tls *
tls_open(struct tls_context *context, struct ev_loop *loop, int fd,
    const char *name, const struct tls_events *events, void *arg)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL) {
		close(fd);
		return NULL;
	}
	tls->context = context;
	context->refs++;
	tls->loop = loop;
	tls->fd = fd;
	tls->events = events;
	tls->srp_watch = (struct tls_srp_watch) { context->srp, arg };
	tls->arg = arg;
	ev_io_init(&tls->reader, on_readable, fd, EV_READ);
	ev_io_init(&tls->writer, on_writable, fd, EV_WRITE);
	tls->reader.data = tls->writer.data = tls;
	if (name != NULL && (tls->name = strdup(name)) == NULL)
		goto fail;
	if (set_up_session(tls) < 0)
		goto fail;
	ev_io_start(loop, &tls->reader);
	/* A client's socket may still be connecting. */
	if (!context->server)
		want_write(tls, true);
	return tls;

fail:
	tls_close(tls);
	return NULL;
}

void
tls_close(struct tls *tls)
{
	if (tls == NULL)
		return;
	if (tls->state == TLS_OPEN)
		gnutls_bye(tls->session, GNUTLS_SHUT_WR);
	ev_io_stop(tls->loop, &tls->reader);
	ev_io_stop(tls->loop, &tls->writer);
	if (tls->session != NULL)
		gnutls_deinit(tls->session);
	close(tls->fd);
	secret_free(tls->queue, tls->queue_size);
	gnutls_free(tls->description);
	free(tls->name);
	tls_context_put(tls->context);
	free(tls);
}

int
tls_send(struct tls *tls, const void *data, size_t len)
{
	size_t	 size = tls->queue_size;
	uint8_t *bigger;

	if (tls->state == TLS_ENDED)
		return -EPIPE;
	if (len > TLS_MAX_QUEUE - tls->queue_len)
		return -ENOBUFS;
	while (size < tls->queue_len + len)
		size = size == 0 ? 4096 : size * 2;
	if (size != tls->queue_size) {
		/* Not realloc: passwords pass through here. */
		bigger = malloc(size);
		if (bigger == NULL)
			return -ENOMEM;
		if (tls->queue_len > 0)
			memcpy(bigger, tls->queue, tls->queue_len);
		secret_free(tls->queue, tls->queue_size);
		tls->queue = bigger;
		tls->queue_size = size;
	}
	memcpy(tls->queue + tls->queue_len, data, len);
	tls->queue_len += len;
	if (tls->state == TLS_OPEN)
		write_queue(tls);
	return 0;
}

int
tls_export(struct tls *tls, const char *label, uint8_t *out, size_t len)
{
	if (gnutls_prf_rfc5705(tls->session, strlen(label), label, 0, NULL, len,
		(char *)out) < 0)
		return -EIO;
	return 0;
}

int
tls_binding(struct tls *tls, uint8_t binding[32])
{
	return tls_export(tls, "EXPORTER-Channel-Binding", binding, 32);
}

bool
tls_is_site(struct tls *tls, const char *site)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	gnutls_x509_crt_t leaf;
	unsigned	  status = 1;
	bool		  is_site;

	if (!tls->context->asks_sites ||
	    gnutls_certificate_verify_peers(tls->session, &purpose, 1,
		&status) < 0 ||
	    status != 0)
		return false;
	leaf = peers_leaf(tls);
	if (leaf == NULL)
		return false;
	is_site = has_only_name(leaf, site);
	gnutls_x509_crt_deinit(leaf);
	return is_site;
}

bool
tls_is_revoked(struct tls *tls, const struct tls_context *context)
{
	gnutls_x509_crt_t leaf = peers_leaf(tls);
	bool		  revoked;

	if (leaf == NULL)
		return false;
	revoked = gnutls_x509_crt_check_revocation(leaf, context->crls,
	    context->ncrls) != 0;
	gnutls_x509_crt_deinit(leaf);
	return revoked;
}

const char *
tls_srp_user(struct tls *tls)
{
#ifdef HAVE_TLS_SRP
	if (tls->state == TLS_OPEN && tls->context->srp != NULL &&
	    tls_srp_is_sound(tls->session))
		return gnutls_srp_server_get_username(tls->session);
#endif
	(void)tls;
	return NULL;
}

const char *
tls_describe(struct tls *tls)
{
	if (tls->description == NULL)
		tls->description = gnutls_session_get_desc(tls->session);
	return tls->description != NULL ? tls->description : "";
}

static int
set_up_session(struct tls *tls)
{
	static const gnutls_datum_t alpn = { (unsigned char *)(uintptr_t)ALPN,
		sizeof(ALPN) - 1 };
	unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;

	flags |= tls->context->server ? GNUTLS_SERVER : GNUTLS_CLIENT;
	if (gnutls_init(&tls->session, flags) < 0)
		return -ENOMEM;
	if (gnutls_priority_set(tls->session, tls->context->priority) < 0 ||
	    gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
		tls->context->cred) < 0 ||
	    gnutls_alpn_set_protocols(tls->session, &alpn, 1,
		GNUTLS_ALPN_MANDATORY) < 0)
		return -ENOMEM;
	if (tls->context->srp != NULL && tls->context->server)
		tls_srp_watch(&tls->srp_watch, tls->session);
	else if (tls->context->srp != NULL &&
	    tls_srp_use(tls->context->srp, tls->session) < 0)
		return -ENOMEM;
	if (tls->context->asks_sites)
		gnutls_certificate_server_set_request(tls->session,
		    GNUTLS_CERT_REQUEST);
	gnutls_transport_set_int(tls->session, tls->fd);
	gnutls_handshake_set_timeout(tls->session, GNUTLS_INDEFINITE_TIMEOUT);
	gnutls_handshake_set_max_packet_length(tls->session, 16384);
	if (tls->name != NULL) {
		struct addr addr;

		if (!addr_parse(&addr, tls->name))
			gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS,
			    tls->name, strlen(tls->name));
		tls->checks[0] = (gnutls_typed_vdata_st) {
			.type = GNUTLS_DT_DNS_HOSTNAME,
			.data = (unsigned char *)tls->name };
		tls->checks[1] = (gnutls_typed_vdata_st) {
			.type = GNUTLS_DT_KEY_PURPOSE_OID,
			.data = (unsigned char *)(uintptr_t)
			    GNUTLS_KP_TLS_WWW_SERVER };
		gnutls_session_set_verify_cert2(tls->session, tls->checks,
		    nitems(tls->checks), 0);
	}
	return 0;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct tls *tls = io->data;

	(void)loop;
	(void)events;
	if (tls->state == TLS_HANDSHAKE)
		handshake(tls);
	else if (tls->state == TLS_OPEN)
		read_records(tls);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct tls *tls = io->data;

	(void)loop;
	(void)events;
	if (tls->state == TLS_HANDSHAKE)
		handshake(tls);
	else if (tls->state == TLS_OPEN)
		write_queue(tls);
}

static void
handshake(struct tls *tls)
{
	socklen_t len = sizeof(int);
	int	  error = 0, r;

	if (getsockopt(tls->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	    error != 0) {
		end(tls, strerror(error));
		return;
	}
	r = gnutls_handshake(tls->session);
	if (r == 0)
		finish_handshake(tls);
	else if (gnutls_error_is_fatal(r))
		end_handshake(tls, r);
	else
		want_write(tls,
		    gnutls_record_get_direction(tls->session) == 1);
}

static void
finish_handshake(struct tls *tls)
{
	gnutls_datum_t alpn;

	if (!is_allowed(tls)) {
		end(tls, "TLS: not a version and suite that is allowed here");
		return;
	}
	if (gnutls_alpn_get_selected_protocol(tls->session, &alpn) < 0) {
		end(tls, "the other end does not speak " ALPN);
		return;
	}
	if (!tls->context->server && !names_itself(tls)) {
		end(tls, "the certificate of the server is refused: it has no "
		    "subjectAltName");
		return;
	}
	tls->state = TLS_OPEN;
	want_write(tls, tls->queue_len > 0);
	tls->events->on_ready(tls->arg);
	if (tls->state == TLS_OPEN)
		read_records(tls);
}

/* TLS 1.3; or, where SRP is in the handshake, exactly that. */
static bool
is_allowed(struct tls *tls)
{
	bool srp = tls->context->srp != NULL;

	if (gnutls_protocol_get_version(tls->session) == GNUTLS_TLS1_3)
		return !srp || tls->context->server;
	return srp && tls_srp_is_sound(tls->session);
}

/* GnuTLS would take the common name instead; PROTOCOL 3.2 does not. */
static bool
names_itself(struct tls *tls)
{
	gnutls_x509_crt_t leaf = peers_leaf(tls);
	unsigned	  type;
	char		  name[256];
	size_t		  size = sizeof(name);
	bool		  found;

	if (leaf == NULL)
		return false;
	found = gnutls_x509_crt_get_subject_alt_name2(leaf, 0, name, &size,
		    &type, NULL) >= 0;
	gnutls_x509_crt_deinit(leaf);
	return found;
}

/* The other end's own certificate; NULL: it showed none. */
static gnutls_x509_crt_t
peers_leaf(struct tls *tls)
{
	unsigned	      n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(tls->session,
	    &n);
	gnutls_x509_crt_t     leaf;

	if (n == 0 || gnutls_x509_crt_init(&leaf) < 0)
		return NULL;
	if (gnutls_x509_crt_import(leaf, &chain[0], GNUTLS_X509_FMT_DER) == 0)
		return leaf;
	gnutls_x509_crt_deinit(leaf);
	return NULL;
}

/* Of two common names one could be another site's. */
static bool
has_only_name(gnutls_x509_crt_t leaf, const char *site)
{
	char   name[256];
	size_t size = sizeof(name);

	if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0,
		0, name, &size) < 0 ||
	    size != strlen(site) || memcmp(name, site, size) != 0)
		return false;
	size = sizeof(name);
	return gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME,
	    1, 0, name, &size) == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

static void
read_records(struct tls *tls)
{
	uint8_t buf[4096];
	ssize_t n = 0;

	for (int i = 0; i < READ_BUDGET && tls->state == TLS_OPEN; i++) {
		n = gnutls_record_recv(tls->session, buf, sizeof(buf));
		if (n <= 0)
			break;
		tls->events->on_data(tls->arg, buf, (size_t)n);
	}
	/* What GnuTLS has read from the socket no event will announce. */
	while (tls->state == TLS_OPEN &&
	    gnutls_record_check_pending(tls->session) > 0) {
		n = gnutls_record_recv(tls->session, buf, sizeof(buf));
		if (n <= 0)
			break;
		tls->events->on_data(tls->arg, buf, (size_t)n);
	}
	secret_wipe(buf, sizeof(buf));
	if (tls->state != TLS_OPEN || n > 0)
		return;
	if (n == 0)
		end(tls, "the other end closed the connection");
	else if (gnutls_error_is_fatal((int)n))
		end(tls, n == GNUTLS_E_PREMATURE_TERMINATION ?
			"the other end vanished" :
			gnutls_strerror((int)n));
}

static void
write_queue(struct tls *tls)
{
	ssize_t n = 0;

	while (tls->queue_len > 0) {
		n = gnutls_record_send(tls->session, tls->queue,
		    tls->queue_len < 16384 ? tls->queue_len : 16384);
		if (n <= 0)
			break;
		tls->queue_len -= (size_t)n;
		memmove(tls->queue, tls->queue + n, tls->queue_len);
		secret_wipe(tls->queue + tls->queue_len, (size_t)n);
	}
	/* A dead socket is noticed by the reader. */
	want_write(tls, tls->queue_len > 0 &&
	    !gnutls_error_is_fatal((int)n));
}

static void
want_write(struct tls *tls, bool want)
{
	if (want)
		ev_io_start(tls->loop, &tls->writer);
	else
		ev_io_stop(tls->loop, &tls->writer);
}

static void
end(struct tls *tls, const char *why)
{
	tls->state = TLS_ENDED;
	ev_io_stop(tls->loop, &tls->reader);
	ev_io_stop(tls->loop, &tls->writer);
	tls->events->on_end(tls->arg, why);
}

static void
end_handshake(struct tls *tls, int r)
{
	char why[TLS_WHY_SIZE];
	int  alert = gnutls_alert_get(tls->session);

	if (r == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) {
		gnutls_alert_send_appropriate(tls->session, r);
		explain_certificate(tls, why, sizeof(why));
	} else if (r == GNUTLS_E_FATAL_ALERT_RECEIVED &&
	    !tls->context->server && tls->context->srp != NULL) {
		/* RFC 5054 2.9: unknown and wrong look alike, and like this. */
		snprintf(why, sizeof(why), "refused: tls-srp: name or password "
		    "is wrong, or it is not allowed (%s)",
		    gnutls_alert_get_name((gnutls_alert_description_t)alert));
	} else if (r == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		snprintf(why, sizeof(why), "TLS: the other end says: %s",
		    gnutls_alert_get_name((gnutls_alert_description_t)alert));
	} else if (r == GNUTLS_E_PREMATURE_TERMINATION ||
	    r == GNUTLS_E_PULL_ERROR || r == GNUTLS_E_PUSH_ERROR) {
		strlcpy(why, "TLS: the other end closed the connection in the "
		    "handshake", sizeof(why));
	} else {
		gnutls_alert_send_appropriate(tls->session, r);
		snprintf(why, sizeof(why), "TLS: %s", gnutls_strerror(r));
	}
	end(tls, why);
}

/* Which check failed, and what to do about it; the gravest first. */
static void
explain_certificate(struct tls *tls, char *why, size_t size)
{
	static const struct {
		unsigned    flag;
		const char *text;
	} reasons[] = {
		/* A server set up anew has a CA of the old one's name. */
		{ GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE,
		    "it was not made by the CA of this site's invitation: the "
		    "server was set up anew (then join again), or somebody is "
		    "in between" },
		{ GNUTLS_CERT_REVOKED, "it is revoked" },
		{ GNUTLS_CERT_UNEXPECTED_OWNER,
		    "it is for another name: check `name` in the "
		    "configuration's [client] section" },
		{ GNUTLS_CERT_NOT_ACTIVATED,
		    "it is not valid yet: check this host's clock" },
		{ GNUTLS_CERT_EXPIRED,
		    "it has expired: check this host's clock, or renew the "
		    "certificate on the server" },
		{ GNUTLS_CERT_PURPOSE_MISMATCH,
		    "it is not a server's certificate" },
	};
	unsigned    status = gnutls_session_get_verify_cert_status(tls->session);
	const char *text = "it is not acceptable";

	for (size_t i = 0; i < nitems(reasons); i++) {
		if ((status & reasons[i].flag) != 0) {
			text = reasons[i].text;
			break;
		}
	}
	snprintf(why, size, "the certificate of the server (%s) is refused: %s",
	    tls->name, text);
}
