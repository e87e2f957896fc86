/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/secret.h"
#include "base/wire.h"


static void on_tls_ready(void *arg);
static void on_tls_data(void *arg, const uint8_t *data, size_t len);
static void on_tls_end(void *arg, const char *why);
static bool accept_messages_of(struct session *session, size_t max);
static size_t take(struct session *session, const uint8_t *data, size_t len);
static bool header_is_acceptable(struct session *session);
static void dispatch(struct session *session, const uint8_t *payload,
    size_t len);
static void on_deadline(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_ping_due(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static int64_t silence_of(struct session *session, struct mono now);
static bool hears_enough(const struct session *session, int64_t silence_us);
static void ping(struct session *session);
static void on_reap(struct ev_loop *loop, struct ev_timer *timer, int events);
static void note_transcript(struct session *session, enum message_type type,
    const void *payload, size_t len);

static const struct tls_events tls_events = {
	.on_ready = on_tls_ready,
	.on_data = on_tls_data,
	.on_end = on_tls_end,
};

int
session_init(struct session *session, struct ev_loop *loop,
    struct tls_context *context, int fd, const char *name,
    unsigned time_limit_sec, const struct session_events *events, void *arg)
{
	*session = (struct session) { .loop = loop, .events = events,
		.arg = arg, .client = name != NULL, .last_heard = mono_now() };
	sha256_init(&session->transcript);
	ev_timer_init(&session->deadline, on_deadline, time_limit_sec, 0);
	ev_timer_init(&session->pinger, on_ping_due, 0, 0);
	ev_timer_init(&session->reaper, on_reap, 0, 0);
	session->deadline.data = session;
	session->pinger.data = session;
	session->reaper.data = session;
	session->tls = tls_open(context, loop, fd, name, &tls_events, session);
	if (session->tls == NULL)
		return -ENOMEM;
	if (!accept_messages_of(session, MESSAGE_MAX_UNAUTH)) {
		session_fini(session);
		return -ENOMEM;
	}
	ev_timer_start(loop, &session->deadline);
	return 0;
}

void
session_fini(struct session *session)
{
	ev_timer_stop(session->loop, &session->deadline);
	ev_timer_stop(session->loop, &session->pinger);
	ev_timer_stop(session->loop, &session->reaper);
	tls_close(session->tls);
	session->tls = NULL;
	secret_free(session->in, session->in_size);
	session->in = NULL;
	session->state = SESSION_CLOSED;
}

int
session_send(struct session *session, const struct message *msg)
{
	uint8_t header[MESSAGE_HEADER_LEN];
	size_t	len;
	char   *payload;
	int	r;

	if (session->state == SESSION_CLOSED)
		return -EPIPE;
	payload = message_encode(msg, &len);
	if (payload == NULL)
		return -ENOMEM;
	note_transcript(session, msg->type, payload, len);
	message_header(header, MESSAGE_TYPE_JSON, len);
	r = tls_send(session->tls, header, sizeof(header), payload, len);
	secret_free(payload, len + 1);
	if (r < 0)
		session_lose(session, "the other end does not read");
	return r;
}

/* A queue that is full is not the other end's fault: these are dropped. */
int
session_send_frames(struct session *session, const uint8_t *items, size_t len)
{
	uint8_t header[MESSAGE_HEADER_LEN];

	message_header(header, MESSAGE_TYPE_FRAMES, len);
	return tls_send(session->tls, header, sizeof(header), items, len);
}

void
session_allow_frames(struct session *session)
{
	session->frames = true;
}

void
session_go_up(struct session *session, unsigned keepalive_sec,
    unsigned dead_peer_sec)
{
	ev_timer_stop(session->loop, &session->deadline);
	if (!accept_messages_of(session, MESSAGE_MAX)) {
		session_end(session, "out of memory");
		return;
	}
	session->state = SESSION_UP;
	session_set_times(session, keepalive_sec, dead_peer_sec);
}

void
session_set_times(struct session *session, unsigned keepalive_sec,
    unsigned dead_peer_sec)
{
	if (session->state != SESSION_UP || ev_is_active(&session->reaper))
		return;
	session->dead_after_sec = dead_peer_sec;
	session->last_heard = session->last_look = mono_now();
	ev_timer_stop(session->loop, &session->pinger);
	ev_timer_set(&session->pinger, keepalive_sec, keepalive_sec);
	ev_timer_start(session->loop, &session->pinger);
}

void
session_transcript(const struct session *session, uint8_t digest[32])
{
	struct sha256_ctx copy = session->transcript;

	sha256_digest(&copy, 32, digest);
}

void
session_hurry(struct session *session, double within_sec)
{
	if (!ev_is_active(&session->deadline) ||
	    ev_timer_remaining(session->loop, &session->deadline) <= within_sec)
		return;
	ev_timer_stop(session->loop, &session->deadline);
	ev_timer_set(&session->deadline, within_sec, 0);
	ev_timer_start(session->loop, &session->deadline);
}

void
session_extend(struct session *session, unsigned sec)
{
	if (!ev_is_active(&session->deadline))
		return;
	ev_timer_stop(session->loop, &session->deadline);
	ev_timer_set(&session->deadline, sec, 0);
	ev_timer_start(session->loop, &session->deadline);
}

void
session_probe(struct session *session, double within_sec)
{
	if (session->state != SESSION_UP)
		return;
	ping(session);
	if (ev_is_active(&session->deadline))
		return;
	ev_timer_set(&session->deadline, within_sec, 0);
	ev_timer_start(session->loop, &session->deadline);
}

bool
session_is_silent(const struct session *session, unsigned sec, struct mono now)
{
	return mono_sub(now, session->last_heard) >= sec * MONO_SEC;
}

void
session_end(struct session *session, const char *why)
{
	if (ev_is_active(&session->reaper) || session->tls == NULL)
		return;
	strlcpy(session->why, why, sizeof(session->why));
	ev_timer_stop(session->loop, &session->deadline);
	ev_timer_stop(session->loop, &session->pinger);
	ev_timer_start(session->loop, &session->reaper);
}

/* Whoever means to end it says so: without a word it was an accident. */
void
session_lose(struct session *session, const char *why)
{
	if (!ev_is_active(&session->reaper))
		session->lost = true;
	session_end(session, why);
}

void
session_refuse(struct session *session, const char *why,
    unsigned retry_after_sec)
{
	struct message msg = { .type = MESSAGE_REFUSED,
		.retry_after_sec = retry_after_sec };

	strlcpy(msg.text, why, sizeof(msg.text));
	(void)session_send(session, &msg);
	session->lost = false;
	session_end(session, why);
}

void
session_bye(struct session *session, const char *why)
{
	struct message msg = { .type = MESSAGE_BYE };

	strlcpy(msg.text, why, sizeof(msg.text));
	(void)session_send(session, &msg);
	session->lost = false;
	session_end(session, why);
}

static void
on_tls_ready(void *arg)
{
	struct session *session = arg;

	session->state = SESSION_AUTH;
	/* A client's peer has proved who it is: its welcome may be long. */
	if (session->client && !accept_messages_of(session, MESSAGE_MAX)) {
		session_end(session, "out of memory");
		return;
	}
	session->events->on_ready(session->arg);
}

/* A buffer that grows with the trust in the other end. */
static bool
accept_messages_of(struct session *session, size_t max)
{
	size_t	 size = MESSAGE_HEADER_LEN + max;
	uint8_t *bigger;

	if (session->in_size >= size)
		return true;
	bigger = malloc(size);
	if (bigger == NULL)
		return false;
	if (session->in_len > 0)
		memcpy(bigger, session->in, session->in_len);
	secret_free(session->in, session->in_size);
	session->in = bigger;
	session->in_size = size;
	return true;
}

static void
on_tls_data(void *arg, const uint8_t *data, size_t len)
{
	struct session *session = arg;

	session->last_heard = mono_now();
	if (session->state == SESSION_UP)
		ev_timer_stop(session->loop, &session->deadline);
	while (len > 0 && !ev_is_active(&session->reaper)) {
		size_t n = take(session, data, len);

		data += n;
		len -= n;
	}
}

static void
on_tls_end(void *arg, const char *why)
{
	session_lose(arg, why);
}

/* Moves bytes into the message under way; dispatches it when it is whole. */
static size_t
take(struct session *session, const uint8_t *data, size_t len)
{
	size_t want = MESSAGE_HEADER_LEN, n;

	if (session->in_len >= MESSAGE_HEADER_LEN)
		want += wire_read_u24(session->in + 1);
	n = want - session->in_len;
	if (n > len)
		n = len;
	memcpy(session->in + session->in_len, data, n);
	session->in_len += n;
	if (session->in_len < want)
		return n;
	if (want == MESSAGE_HEADER_LEN) {
		if (header_is_acceptable(session))
			return n;
		session->in_len = 0;
		return n;
	}
	/* Empty first: what is dispatched may end us. */
	session->in_len = 0;
	if (session->in[0] == MESSAGE_TYPE_FRAMES)
		session->events->on_frames(session->arg,
		    session->in + MESSAGE_HEADER_LEN,
		    want - MESSAGE_HEADER_LEN);
	else
		dispatch(session, session->in + MESSAGE_HEADER_LEN,
		    want - MESSAGE_HEADER_LEN);
	/* It may have been a password. */
	if (session->in != NULL && session->state != SESSION_UP)
		secret_wipe(session->in, want);
	return n;
}

static bool
header_is_acceptable(struct session *session)
{
	size_t max = session->in_size - MESSAGE_HEADER_LEN;
	size_t len = wire_read_u24(session->in + 1);

	if (session->in[0] == MESSAGE_TYPE_FRAMES) {
		if (!session_takes_frames(session)) {
			session_bye(session, "frames by TCP were not agreed on");
			return false;
		}
		max = MESSAGE_MAX_FRAMES;
	} else if (session->in[0] != MESSAGE_TYPE_JSON) {
		session_bye(session, "a message of a type that we do not know");
		return false;
	}
	if (len == 0 || len > max) {
		session_bye(session, "a message is too large");
		return false;
	}
	return true;
}

static void
dispatch(struct session *session, const uint8_t *payload, size_t len)
{
	struct message msg, pong = { .type = MESSAGE_PONG };
	const char    *why;
	char	       text[TLS_WHY_SIZE];
	int	       r = message_decode(&msg, payload, len, &why);

	/* PROTOCOL 4.2: a newer peer's, to be ignored; a stranger's is not. */
	if (r == -ENOENT && (session->client || session->state == SESSION_UP))
		return;
	if (r < 0) {
		snprintf(text, sizeof(text), "a malformed message: %s", why);
		session_bye(session, text);
		return;
	}
	note_transcript(session, msg.type, payload, len);
	if (msg.type == MESSAGE_PING && session->state == SESSION_UP) {
		pong.id = msg.id;
		(void)session_send(session, &pong);
	} else if (msg.type != MESSAGE_PONG || session->state != SESSION_UP) {
		session->events->on_message(session->arg, &msg);
	}
	message_fini(&msg);
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	static const char *const whys[] = {
		[SESSION_TLS] = "no TLS handshake in time",
		[SESSION_AUTH] = "no authentication in time",
		[SESSION_UP] = "lost: no answer to a probe",
		[SESSION_CLOSED] = "",
	};
	struct session *session = timer->data;

	(void)loop;
	(void)events;
	if (session->state == SESSION_UP)
		session_lose(session, whys[session->state]);
	else
		session_end(session, whys[session->state]);
}

static void
on_ping_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct session *session = timer->data;
	int64_t		silence = silence_of(session, mono_now());
	char		text[TLS_WHY_SIZE];

	(void)loop;
	(void)events;
	if ((double)silence >= session->dead_after_sec * (double)MONO_SEC) {
		snprintf(text, sizeof(text), "dead: nothing heard for %d s",
		    (int)(silence / MONO_SEC));
		session_lose(session, text);
		return;
	}
	if (session->client || !hears_enough(session, silence))
		ping(session);
}

/*
 * In microseconds.  While the host was suspended, or we were stopped, nobody
 * listened: that time does not count.
 */
static int64_t
silence_of(struct session *session, struct mono now)
{
	int64_t late = mono_sub(now, session->last_look) -
	    (int64_t)(session->pinger.repeat * (double)MONO_SEC);
	int64_t silence = mono_sub(now, session->last_heard);

	session->last_look = now;
	if (late < MONO_SEC)
		return silence;
	silence = silence > late ? silence - late : 0;
	session->last_heard = mono_add(now, -silence);
	return silence;
}

/* Of a site that asks, too; but none is given up before it was asked. */
static bool
hears_enough(const struct session *session, int64_t silence_us)
{
	double silence = (double)silence_us / (double)MONO_SEC;
	double next = silence + session->pinger.repeat;

	return silence < 1.5 * session->pinger.repeat &&
	    next < session->dead_after_sec;
}

static void
ping(struct session *session)
{
	struct message msg = { .type = MESSAGE_PING };

	msg.id = session->next_ping++;
	(void)session_send(session, &msg);
}

static void
on_reap(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct session *session = timer->data;

	(void)loop;
	(void)events;
	session->events->on_end(session->arg, session->why);
}

static void
note_transcript(struct session *session, enum message_type type,
    const void *payload, size_t len)
{
	struct sha256_ctx hello;

	if (type == MESSAGE_HELLO || type == MESSAGE_WELCOME)
		sha256_update(&session->transcript, len, payload);
	if (type != MESSAGE_HELLO)
		return;
	sha256_init(&hello);
	sha256_update(&hello, len, payload);
	sha256_digest(&hello, sizeof(session->hello), session->hello);
}
