/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_control: the bytes of a control connection, cut anywhere: framing,
 * limits, JSON, and what each message is answered with.
 *
 * First byte: client or server, before the log-in or after; second: how large
 * the pieces are that arrive.  TLS is left out: what is sent goes nowhere.
 */
#include "fuzz.h"

#include "control/conn/tls.h"
#include "datapath/tcp_batch.h"

static unsigned sent;

static int
sink(struct tls *tls, const void *header, size_t header_len, const void *data,
    size_t len)
{
	sent += (unsigned)(header_len + len);
	return 0;
}

#define tls_send  sink
#define tls_open(context, loop, fd, name, events, arg)                         \
	((void)(context), (void)(fd), (struct tls *)&sent)
#define tls_close(tls) ((void)(tls))
#include "control/conn/conn.c"

static void
on_nothing(void *arg)
{
}

static void
on_fuzz_message(void *arg, const struct message *msg)
{
	FUZZ_CHECK(msg->type < MESSAGE_TYPES);
	FUZZ_CHECK(msg->credential_len <= MESSAGE_MAX_CREDENTIAL);
	FUZZ_CHECK(msg->token_len <= MESSAGE_MAX_TOKEN);
	FUZZ_CHECK(strlen(msg->setting) < sizeof(msg->setting));
}

/* As tcp_batch.c reads them; nothing of it is believed. */
static void
on_fuzz_frames(void *arg, uint8_t *items, size_t len)
{
	size_t	 fit;
	unsigned n = tcp_batch_fit(items, len, len, &fit);

	FUZZ_CHECK(len > 0 && len <= MESSAGE_MAX_FRAMES && fit <= len);
	FUZZ_CHECK((n == 0) == (fit == 0));
}

static void
on_over(void *arg, const char *why)
{
}

static const struct conn_events fuzz_events = {
	.on_ready = on_nothing,
	.on_message = on_fuzz_message,
	.on_frames = on_fuzz_frames,
	.on_end = on_over,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ev_loop *loop;
	struct conn	      *conn;
	size_t		       step;

	log_init(NULL, LOG_LEVEL_ERROR);
	if (loop == NULL)
		loop = ev_loop_new(EVFLAG_AUTO);
	if (size < 2)
		return 0;
	conn = conn_new(loop, NULL, -1, data[0] & 1 ? "name" : NULL, 5,
	    &fuzz_events, NULL);
	FUZZ_CHECK(conn != NULL);
	on_tls_ready(conn);
	if (data[0] & 2)
		conn_go_up(conn, 10, 30);
	if (data[0] & 4)
		conn_allow_frames(conn);
	step = data[1] > 0 ? data[1] : 4096;
	for (size_t i = 2; i < size; i += step)
		on_tls_data(conn, data + i,
		    size - i < step ? size - i : step);
	FUZZ_CHECK(conn->in_len <= conn->in_size);
	conn_free(conn);
	return 0;
}
