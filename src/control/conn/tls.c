/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/conn/tls.h"

#include <errno.h>
#include <linux/tcp.h> /* tcp_info: the C library's is shorter */
#include <netinet/in.h>
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
#include "control/conn/tls_cert.h"
#include "control/conn/tls_context.h"

#define ALPN	    "tombolo/1"
#define READ_BUDGET 16 /* records for each event */
/* RFC 8446 5.5: full records under one AES-GCM key; 2^24.5 at most. */
#ifndef KEY_RECORDS
#define KEY_RECORDS (UINT32_C(1) << 23)
#endif

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
	gnutls_typed_vdata_st	 checks[2]; /* name and purpose to verify */
	/*
	 * Bytes that GnuTLS has not accepted, `queue_len` of them from
	 * `queue_at` on; a record that it has begun stays first.
	 */
	uint8_t *queue;
	size_t	 queue_at, queue_len, queue_size;
	bool	 unfinished; /* such a record */
	uint32_t records;    /* sent under the current key */
};

static int make_room(struct tls *tls, size_t len);
static void append(struct tls *tls, const void *data, size_t len);
static int set_up_session(struct tls *tls);
static void on_readable(struct ev_loop *loop, struct ev_io *io, int events);
static void on_writable(struct ev_loop *loop, struct ev_io *io, int events);
static void handshake(struct tls *tls);
static void finish_handshake(struct tls *tls);
static bool is_allowed(struct tls *tls);
static void read_records(struct tls *tls);
static void write_queue(struct tls *tls);
static int renew_key(struct tls *tls);
static void want_write(struct tls *tls, bool want);
static void end(struct tls *tls, const char *why);
static void end_handshake(struct tls *tls, int r);

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
tls_send(struct tls *tls, const void *header, size_t header_len,
    const void *data, size_t len)
{
	int r;

	if (tls->state == TLS_ENDED)
		return -EPIPE;
	if (header_len + len > TLS_MAX_QUEUE - tls->queue_len)
		return -ENOBUFS;
	r = make_room(tls, header_len + len);
	if (r < 0)
		return r;
	append(tls, header, header_len);
	append(tls, data, len);
	if (tls->state == TLS_OPEN)
		write_queue(tls);
	return 0;
}

void
tls_backlog(const struct tls *tls, struct tls_backlog *backlog)
{
	struct tcp_info info = { 0 };
	socklen_t	len = sizeof(info);

	*backlog = (struct tls_backlog) { .queued = tls->queue_len };
	if (getsockopt(tls->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return;
	backlog->unsent = info.tcpi_notsent_bytes;
	backlog->rate = info.tcpi_delivery_rate;
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

const char *
tls_user(struct tls *tls)
{
	const struct tls_handshake *other = tls->context->other;

	return tls->state == TLS_OPEN && other != NULL && other->is_sound(tls) ?
	    other->user(tls) : NULL;
}

const struct tls_context *
tls_context(const struct tls *tls)
{
	return tls->context;
}

gnutls_session_t
tls_session(const struct tls *tls)
{
	return tls->session;
}

void *
tls_arg(const struct tls *tls)
{
	return tls->arg;
}

const char *
tls_describe(struct tls *tls)
{
	if (tls == NULL)
		return "";
	if (tls->description == NULL)
		tls->description = gnutls_session_get_desc(tls->session);
	return tls->description != NULL ? tls->description : "";
}

/* Makes room for `len` more bytes at the end of the queue. */
static int
make_room(struct tls *tls, size_t len)
{
	size_t	 size = tls->queue_size, need = tls->queue_len + len;
	uint8_t *bigger;

	if (need <= size && tls->queue_at + need <= size)
		return 0;
	if (need <= size) {
		memmove(tls->queue, tls->queue + tls->queue_at,
		    tls->queue_len);
		secret_wipe(tls->queue + tls->queue_len,
		    size - tls->queue_len);
		tls->queue_at = 0;
		return 0;
	}
	while (size < need)
		size = size == 0 ? 4096 : size * 2;
	/* Not realloc(): the queue may hold passwords, which must be wiped. */
	bigger = malloc(size);
	if (bigger == NULL)
		return -ENOMEM;
	if (tls->queue_len > 0)
		memcpy(bigger, tls->queue + tls->queue_at, tls->queue_len);
	secret_free(tls->queue, tls->queue_size);
	tls->queue = bigger;
	tls->queue_size = size;
	tls->queue_at = 0;
	return 0;
}

static void
append(struct tls *tls, const void *data, size_t len)
{
	memcpy(tls->queue + tls->queue_at + tls->queue_len, data, len);
	tls->queue_len += len;
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
	if (tls->context->other != NULL && tls->context->other->begin(tls) < 0)
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

	if (tls->state == TLS_HANDSHAKE)
		handshake(tls);
	else if (tls->state == TLS_OPEN)
		read_records(tls);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct tls *tls = io->data;

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
		end(tls, "TLS: version or suite is not allowed here");
		return;
	}
	if (gnutls_alpn_get_selected_protocol(tls->session, &alpn) < 0) {
		end(tls, "the other end does not speak " ALPN);
		return;
	}
	if (!tls->context->server && !tls_cert_names_itself(tls)) {
		end(tls, "the certificate of the hub is refused: it has no "
		    "subjectAltName");
		return;
	}
	tls->state = TLS_OPEN;
	want_write(tls, tls->queue_len > 0);
	tls->events->on_ready(tls->arg);
	if (tls->state == TLS_OPEN)
		read_records(tls);
}

/* TLS 1.3, or the other handshake; a client that has one allows only that. */
static bool
is_allowed(struct tls *tls)
{
	const struct tls_handshake *other = tls->context->other;

	if (gnutls_protocol_get_version(tls->session) == GNUTLS_TLS1_3)
		return other == NULL || tls->context->server;
	return other != NULL && other->is_sound(tls);
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
	/* No event announces data that GnuTLS has already read. */
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
		n = renew_key(tls);
		if (n < 0)
			break;
		n = gnutls_record_send(tls->session,
		    tls->queue + tls->queue_at,
		    tls->queue_len < 16384 ? tls->queue_len : 16384);
		tls->unfinished = n <= 0;
		if (n <= 0)
			break;
		tls->records++;
		secret_wipe(tls->queue + tls->queue_at, (size_t)n);
		tls->queue_at += (size_t)n;
		tls->queue_len -= (size_t)n;
	}
	if (tls->queue_len == 0)
		tls->queue_at = 0;
	/* The reader detects a dead socket. */
	want_write(tls, tls->queue_len > 0 &&
	    !gnutls_error_is_fatal((int)n));
}

/* Changes the key at its limit, between two records (frames by TCP). */
static int
renew_key(struct tls *tls)
{
	int r;

	if (tls->records < KEY_RECORDS || tls->unfinished ||
	    gnutls_protocol_get_version(tls->session) != GNUTLS_TLS1_3)
		return 0;
	r = gnutls_session_key_update(tls->session, 0);
	if (r == 0)
		tls->records = 0;
	return r;
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
		tls_cert_explain(tls, tls->name, why, sizeof(why));
	} else if (r == GNUTLS_E_FATAL_ALERT_RECEIVED &&
	    !tls->context->server && tls->context->other != NULL) {
		snprintf(why, sizeof(why), "%s (%s)",
		    tls->context->other->refused,
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
