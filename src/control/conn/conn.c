/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/conn/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/wire.h"


static void set_state(struct conn *conn, enum conn_state state);
static void on_tls_ready(void *arg);
static void on_tls_data(void *arg, const uint8_t *data, size_t len);
static void on_tls_end(void *arg, const char *why);
static bool accept_messages_of(struct conn *conn, size_t max);
static size_t take(struct conn *conn, const uint8_t *data, size_t len);
static bool header_is_acceptable(struct conn *conn);
static void dispatch(struct conn *conn, const uint8_t *payload,
    size_t len);
static void on_deadline(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_ping_due(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static int64_t silence_of(struct conn *conn, struct mono now);
static bool hears_enough(const struct conn *conn, int64_t silence_us);
static void ping(struct conn *conn);
static void lose(struct conn *conn, const char *why);
static void on_reap(struct ev_loop *loop, struct ev_timer *timer, int events);
static void note_transcript(struct conn *conn, enum message_type type,
    const void *payload, size_t len);

static const struct tls_events tls_events = {
	.on_ready = on_tls_ready,
	.on_data = on_tls_data,
	.on_end = on_tls_end,
};

struct conn *
conn_new(struct ev_loop *loop, struct tls_context *context, int fd,
    const char *name, unsigned time_limit_sec,
    const struct conn_events *events, void *arg)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		close(fd);
		return NULL;
	}
	*conn = (struct conn) { .loop = loop, .events = events, .arg = arg,
		.client = name != NULL, .last_heard = mono_now() };
	sha256_init(&conn->transcript);
	ev_timer_init(&conn->deadline, on_deadline, time_limit_sec, 0);
	ev_timer_init(&conn->pinger, on_ping_due, 0, 0);
	ev_timer_init(&conn->reaper, on_reap, 0, 0);
	conn->deadline.data = conn->pinger.data = conn->reaper.data = conn;
	conn->tls = tls_open(context, loop, fd, name, &tls_events, conn);
	if (conn->tls == NULL || !accept_messages_of(conn, MESSAGE_MAX_UNAUTH)) {
		conn_free(conn);
		return NULL;
	}
	ev_timer_start(loop, &conn->deadline);
	return conn;
}

void
conn_free(struct conn *conn)
{
	if (conn == NULL)
		return;
	ev_timer_stop(conn->loop, &conn->deadline);
	ev_timer_stop(conn->loop, &conn->pinger);
	ev_timer_stop(conn->loop, &conn->reaper);
	tls_close(conn->tls);
	secret_free(conn->in, conn->in_size);
	free(conn);
}

void
conn_set_owner(struct conn *conn, const struct conn_events *events, void *arg)
{
	conn->events = events;
	conn->arg = arg;
}

void
conn_release(struct conn *conn)
{
	if (!conn->busy) {
		conn_free(conn);
		return;
	}
	conn_set_owner(conn, NULL, NULL);
	conn_end(conn, "nobody's");
}

int
conn_send(struct conn *conn, const struct message *msg)
{
	uint8_t header[MESSAGE_HEADER_LEN];
	size_t	len;
	char   *payload;
	int	r;

	payload = message_encode(msg, &len);
	if (payload == NULL)
		return -ENOMEM;
	note_transcript(conn, msg->type, payload, len);
	message_header(header, MESSAGE_TYPE_JSON, len);
	r = tls_send(conn->tls, header, sizeof(header), payload, len);
	secret_free(payload, len + 1);
	if (r < 0)
		lose(conn, "the other end does not read");
	return r;
}

/* A full queue drops frames; it does not end the connection. */
int
conn_send_frames(struct conn *conn, const uint8_t *items, size_t len)
{
	uint8_t header[MESSAGE_HEADER_LEN];

	message_header(header, MESSAGE_TYPE_FRAMES, len);
	return tls_send(conn->tls, header, sizeof(header), items, len);
}

void
conn_allow_frames(struct conn *conn)
{
	conn->frames = true;
}

void
conn_go_up(struct conn *conn, unsigned keepalive_sec,
    unsigned dead_peer_sec)
{
	ev_timer_stop(conn->loop, &conn->deadline);
	if (conn->state != CONN_AUTH || !accept_messages_of(conn, MESSAGE_MAX)) {
		conn_end(conn, conn->state != CONN_AUTH ? "out of turn" :
							  "out of memory");
		return;
	}
	set_state(conn, CONN_UP);
	conn_set_times(conn, keepalive_sec, dead_peer_sec);
}

void
conn_set_times(struct conn *conn, unsigned keepalive_sec,
    unsigned dead_peer_sec)
{
	if (conn->state != CONN_UP || ev_is_active(&conn->reaper))
		return;
	conn->dead_after_sec = dead_peer_sec;
	conn->last_heard = conn->last_look = mono_now();
	ev_timer_stop(conn->loop, &conn->pinger);
	ev_timer_set(&conn->pinger, keepalive_sec, keepalive_sec);
	ev_timer_start(conn->loop, &conn->pinger);
}

void
conn_transcript(const struct conn *conn, uint8_t digest[32])
{
	struct sha256_ctx copy = conn->transcript;

	sha256_digest(&copy, 32, digest);
}

void
conn_shorten_deadline(struct conn *conn, double within_sec)
{
	if (!ev_is_active(&conn->deadline) ||
	    ev_timer_remaining(conn->loop, &conn->deadline) <= within_sec)
		return;
	ev_timer_stop(conn->loop, &conn->deadline);
	ev_timer_set(&conn->deadline, within_sec, 0);
	ev_timer_start(conn->loop, &conn->deadline);
}

void
conn_extend(struct conn *conn, unsigned sec)
{
	if (!ev_is_active(&conn->deadline))
		return;
	ev_timer_stop(conn->loop, &conn->deadline);
	ev_timer_set(&conn->deadline, sec, 0);
	ev_timer_start(conn->loop, &conn->deadline);
}

void
conn_probe(struct conn *conn, double within_sec)
{
	if (conn->state != CONN_UP)
		return;
	ping(conn);
	if (ev_is_active(&conn->deadline))
		return;
	ev_timer_set(&conn->deadline, within_sec, 0);
	ev_timer_start(conn->loop, &conn->deadline);
}

bool
conn_is_silent(const struct conn *conn, unsigned sec, struct mono now)
{
	return mono_sub(now, conn->last_heard) >= sec * MONO_SEC;
}

void
conn_end(struct conn *conn, const char *why)
{
	if (ev_is_active(&conn->reaper))
		return;
	strlcpy(conn->why, why, sizeof(conn->why));
	ev_timer_stop(conn->loop, &conn->deadline);
	ev_timer_stop(conn->loop, &conn->pinger);
	ev_timer_start(conn->loop, &conn->reaper);
}

/* Nobody meant to end it: its session may go on by another connection. */
static void
lose(struct conn *conn, const char *why)
{
	if (!ev_is_active(&conn->reaper))
		conn->lost = true;
	conn_end(conn, why);
}

void
conn_refuse(struct conn *conn, const char *why,
    unsigned retry_after_sec)
{
	struct message msg = { .type = MESSAGE_REFUSED,
		.retry_after_sec = retry_after_sec };

	strlcpy(msg.text, why, sizeof(msg.text));
	(void)conn_send(conn, &msg);
	conn->lost = false;
	conn_end(conn, why);
}

void
conn_bye(struct conn *conn, const char *why)
{
	struct message msg = { .type = MESSAGE_BYE };

	strlcpy(msg.text, why, sizeof(msg.text));
	(void)conn_send(conn, &msg);
	conn->lost = false;
	conn_end(conn, why);
}

static void
set_state(struct conn *conn, enum conn_state state)
{
	static const char *const names[] = { [CONN_TLS] = "TLS",
		[CONN_AUTH] = "authentication", [CONN_UP] = "up" };

	log_debug("connection %s: %s -> %s", conn->label, names[conn->state],
	    names[state]);
	conn->state = state;
}

static void
on_tls_ready(void *arg)
{
	struct conn *conn = arg;

	set_state(conn, CONN_AUTH);
	/*
	 * The hub is authenticated by its certificate: its welcome may be long.
	 */
	if (conn->client && !accept_messages_of(conn, MESSAGE_MAX)) {
		conn_end(conn, "out of memory");
		return;
	}
	conn->busy = true;
	if (conn->events->on_ready != NULL)
		conn->events->on_ready(conn->arg);
	conn->busy = false;
}

/* The buffer is small until the other end is authenticated. */
static bool
accept_messages_of(struct conn *conn, size_t max)
{
	size_t	 size = MESSAGE_HEADER_LEN + max;
	uint8_t *bigger;

	if (conn->in_size >= size)
		return true;
	bigger = malloc(size);
	if (bigger == NULL)
		return false;
	if (conn->in_len > 0)
		memcpy(bigger, conn->in, conn->in_len);
	secret_free(conn->in, conn->in_size);
	conn->in = bigger;
	conn->in_size = size;
	return true;
}

static void
on_tls_data(void *arg, const uint8_t *data, size_t len)
{
	struct conn *conn = arg;

	conn->last_heard = mono_now();
	if (conn->state == CONN_UP)
		ev_timer_stop(conn->loop, &conn->deadline);
	conn->busy = true;
	while (len > 0 && !ev_is_active(&conn->reaper)) {
		size_t n = take(conn, data, len);

		data += n;
		len -= n;
	}
	conn->busy = false;
}

static void
on_tls_end(void *arg, const char *why)
{
	lose(arg, why);
}

/* Appends bytes to the current message; dispatches it when it is complete. */
static size_t
take(struct conn *conn, const uint8_t *data, size_t len)
{
	size_t want = MESSAGE_HEADER_LEN, n;

	if (conn->in_len >= MESSAGE_HEADER_LEN)
		want += wire_read_u24(conn->in + 1);
	n = want - conn->in_len;
	if (n > len)
		n = len;
	memcpy(conn->in + conn->in_len, data, n);
	conn->in_len += n;
	if (conn->in_len < want)
		return n;
	if (want == MESSAGE_HEADER_LEN) {
		if (header_is_acceptable(conn))
			return n;
		conn->in_len = 0;
		return n;
	}
	/* Reset first: the handler may end this connection. */
	conn->in_len = 0;
	if (conn->in[0] == MESSAGE_TYPE_FRAMES)
		conn->events->on_frames(conn->arg,
		    conn->in + MESSAGE_HEADER_LEN,
		    want - MESSAGE_HEADER_LEN);
	else
		dispatch(conn, conn->in + MESSAGE_HEADER_LEN,
		    want - MESSAGE_HEADER_LEN);
	/* It may contain a password. */
	if (conn->state != CONN_UP)
		secret_wipe(conn->in, want);
	return n;
}

static bool
header_is_acceptable(struct conn *conn)
{
	size_t max = conn->in_size - MESSAGE_HEADER_LEN;
	size_t len = wire_read_u24(conn->in + 1);

	if (conn->in[0] == MESSAGE_TYPE_FRAMES) {
		if (!conn_takes_frames(conn)) {
			conn_bye(conn, "frames by TCP were not agreed on");
			return false;
		}
		max = MESSAGE_MAX_FRAMES;
	} else if (conn->in[0] != MESSAGE_TYPE_JSON) {
		conn_bye(conn, "a message of an unknown type");
		return false;
	}
	if (len == 0 || len > max) {
		conn_bye(conn, "a message is too large");
		return false;
	}
	return true;
}

static void
dispatch(struct conn *conn, const uint8_t *payload, size_t len)
{
	struct message msg, pong = { .type = MESSAGE_PONG };
	const char    *why;
	char	       text[TLS_WHY_SIZE];
	int	       r = message_decode(&msg, payload, len, &why);

	/*
	 * PROTOCOL 4.2: unknown types are ignored, except from unknown clients.
	 */
	if (r == -ENOENT && (conn->client || conn->state == CONN_UP))
		return;
	if (r < 0) {
		snprintf(text, sizeof(text), "a malformed message: %s", why);
		conn_bye(conn, text);
		return;
	}
	note_transcript(conn, msg.type, payload, len);
	if (msg.type == MESSAGE_PING && conn->state == CONN_UP) {
		pong.id = msg.id;
		(void)conn_send(conn, &pong);
	} else if (msg.type != MESSAGE_PONG || conn->state != CONN_UP) {
		conn->events->on_message(conn->arg, &msg);
	}
	message_fini(&msg);
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	static const char *const whys[] = {
		[CONN_TLS] = "no TLS handshake in time",
		[CONN_AUTH] = "no authentication in time",
		[CONN_UP] = "lost: no answer to a probe",
	};
	struct conn *conn = timer->data;

	if (conn->state == CONN_UP)
		lose(conn, whys[conn->state]);
	else
		conn_end(conn, whys[conn->state]);
}

static void
on_ping_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct conn *conn = timer->data;
	int64_t		silence = silence_of(conn, mono_now());
	char		text[TLS_WHY_SIZE];

	if ((double)silence >= conn->dead_after_sec * (double)MONO_SEC) {
		snprintf(text, sizeof(text), "dead: nothing heard for %d s",
		    (int)(silence / MONO_SEC));
		lose(conn, text);
		return;
	}
	if (conn->client || !hears_enough(conn, silence))
		ping(conn);
}

/*
 * In microseconds.  Time in which the host was suspended or this process was
 * stopped does not count: nothing could be received.
 */
static int64_t
silence_of(struct conn *conn, struct mono now)
{
	int64_t late = mono_sub(now, conn->last_look) -
	    (int64_t)(conn->pinger.repeat * (double)MONO_SEC);
	int64_t silence = mono_sub(now, conn->last_heard);

	conn->last_look = now;
	if (late < MONO_SEC)
		return silence;
	silence = silence > late ? silence - late : 0;
	conn->last_heard = mono_add(now, -silence);
	return silence;
}

/* The silence is short enough, or no ping has been sent since it began. */
static bool
hears_enough(const struct conn *conn, int64_t silence_us)
{
	double silence = (double)silence_us / (double)MONO_SEC;
	double next = silence + conn->pinger.repeat;

	return silence < 1.5 * conn->pinger.repeat &&
	    next < conn->dead_after_sec;
}

static void
ping(struct conn *conn)
{
	struct message msg = { .type = MESSAGE_PING };

	msg.id = conn->next_ping++;
	(void)conn_send(conn, &msg);
}

static void
on_reap(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct conn *conn = timer->data;

	if (conn->events != NULL)
		conn->events->on_end(conn->arg, conn->why);
	conn_free(conn);
}

static void
note_transcript(struct conn *conn, enum message_type type,
    const void *payload, size_t len)
{
	struct sha256_ctx hello;

	if (type == MESSAGE_HELLO || type == MESSAGE_WELCOME)
		sha256_update(&conn->transcript, len, payload);
	if (type != MESSAGE_HELLO)
		return;
	sha256_init(&hello);
	sha256_update(&hello, len, payload);
	sha256_digest(&hello, sizeof(conn->hello), conn->hello);
}
