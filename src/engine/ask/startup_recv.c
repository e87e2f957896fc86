/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/startup_recv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nitems.h"

#define TIMEOUT_MS 30000 /* between two messages */

static_assert(REQUEST_MAX_QUEUES == CONF_MAX_WORKERS &&
	REQUEST_MAX_LISTENERS == CONF_MAX_LISTENS, "as the configuration's");

typedef int take_fn(struct startup_recv *recv, struct chan_msg *msg);

static take_fn take_conf, take_certs, take_device, take_listen, take_udp,
    take_admin, take_keeper, take_start, take_credentials, take_netchange,
    take_egress, take_host, take_ping;
static bool is_in_order(const struct startup_recv *recv, uint16_t last,
    const struct chan_msg *msg);
static bool is_complete(const struct startup_recv *recv);
static int  add_piece(struct startup_text *text, const struct chan_msg *msg,
     size_t max);
static void keep_fds(struct chan_msg *msg, int *fds, unsigned *n);
static void close_fds(const int *fds, unsigned n);
static void say_complaint(void *arg, const char *text);

static take_fn *const takes[] = {
	[REQUEST_CONF] = take_conf,
	[REQUEST_CERTS] = take_certs,
	[REQUEST_DEVICE] = take_device,
	[REQUEST_LISTEN] = take_listen,
	[REQUEST_UDP] = take_udp,
	[REQUEST_ADMIN] = take_admin,
	[REQUEST_KEEPER] = take_keeper,
	[REQUEST_START] = take_start,
	[REQUEST_CREDENTIALS] = take_credentials,
	[REQUEST_NETCHANGE] = take_netchange,
	[REQUEST_PING] = take_ping,
	[REQUEST_EGRESS] = take_egress,
	[REQUEST_HOST] = take_host,
};

void
startup_recv_init(struct startup_recv *recv,
    const struct startup_recv_events *events, void *arg)
{
	*recv = (struct startup_recv) { .events = events, .arg = arg,
		.admin = -1, .keeper = { -1, -1 }, .totals = -1 };
}

int
startup_recv_all(int fd, struct startup_recv *recv)
{
	struct chan_msg msg;
	uint8_t	       *buf = malloc(CHAN_MAX_PAYLOAD);
	uint16_t	last = 0;
	int		r = buf != NULL ? 0 : -ENOMEM;

	startup_recv_init(recv, NULL, NULL);
	while (r == 0 && last != REQUEST_START) {
		r = chan_recv_fd(fd, &msg, buf, TIMEOUT_MS);
		if (r < 0)
			break;
		r = is_in_order(recv, last, &msg) ?
		    startup_recv_take(recv, &msg, STARTUP_BEFORE) : -EBADMSG;
		last = msg.type;
		chan_msg_close_fds(&msg);
	}
	if (r == 0 && !is_complete(recv))
		r = -EBADMSG;
	if (r < 0)
		startup_recv_free(recv);
	free(buf);
	return r;
}

void
startup_recv_free(struct startup_recv *recv)
{
	close_fds(recv->queues, recv->nqueues);
	close_fds(recv->listeners, recv->nlisteners);
	close_fds(recv->udp, recv->nudp);
	close_fds(&recv->admin, 1);
	close_fds(recv->keeper, 2);
	close_fds(&recv->totals, 1);
	conf_free(recv->conf);
	for (size_t i = 0; i < REQUEST_CERTS_KINDS; i++)
		free(recv->certs[i].text);
	free(recv->conf_text.text);
	free(recv->certs_text.text);
	startup_recv_init(recv, NULL, NULL);
}

int
startup_recv_take(struct startup_recv *recv, struct chan_msg *msg, unsigned when)
{
	if (!startup_fits(when, msg->type, msg->len, msg->nfds))
		return -EBADMSG;
	return takes[msg->type](recv, msg);
}

/* Each once, unless it may come again; CONF until its last piece. */
static bool
is_in_order(const struct startup_recv *recv, uint16_t last,
    const struct chan_msg *msg)
{
	if (recv->conf == NULL || msg->type == REQUEST_CONF)
		return recv->conf == NULL && msg->type == REQUEST_CONF;
	return last < msg->type ||
	    (last == msg->type &&
		startup_fits(STARTUP_AGAIN, msg->type, msg->len, msg->nfds));
}

static bool
is_complete(const struct startup_recv *recv)
{
	bool server = recv->conf->role == CONF_SERVER;

	return server != (recv->certs[REQUEST_CERTS_CA].len > 0) &&
	    recv->nqueues > 0 && server == (recv->nlisteners > 0) &&
	    recv->nudp == recv->nlisteners * recv->nqueues;
}

static int
take_conf(struct startup_recv *recv, struct chan_msg *msg)
{
	struct conf_errors   errors = { .say = say_complaint };
	struct startup_text *text = &recv->conf_text;
	struct conf	    *conf;
	int r = add_piece(text, msg, STARTUP_MAX_CONF);

	if (r <= 0)
		return r;
	/*
	 * The monitor has checked it: to refuse it here is a bug in us.  No
	 * directory: this process has no files.
	 */
	conf = conf_parse_text(text->text, text->len, CONF_FILE, "/", &errors);
	free(text->text);
	*text = (struct startup_text) { 0 };
	if (conf == NULL)
		return -EINVAL;
	if (recv->events != NULL)
		recv->events->on_conf(recv->arg, conf);
	else
		recv->conf = conf;
	return 0;
}

/* Of each kind one before START; they come in any order among themselves. */
static int
take_certs(struct startup_recv *recv, struct chan_msg *msg)
{
	struct startup_text *text = &recv->certs_text, whole;
	struct request_piece piece;
	int		     r;

	chan_get_head(msg, &piece, sizeof(piece));
	if (piece.kind >= REQUEST_CERTS_KINDS || piece.is_trouble > 1 ||
	    (text->text != NULL && piece.kind != recv->certs_kind))
		return -EBADMSG;
	recv->certs_kind = piece.kind;
	r = add_piece(text, msg, REQUEST_MAX_CERTS);
	if (r <= 0)
		return r;
	whole = *text;
	whole.number = piece.number;
	*text = (struct startup_text) { 0 };
	if (recv->events != NULL) {
		recv->events->on_certs(recv->arg, piece.kind, whole,
		    piece.is_trouble == 1);
		return 0;
	}
	if (piece.is_trouble == 1 || recv->certs[piece.kind].text != NULL) {
		free(whole.text);
		return -EBADMSG;
	}
	recv->certs[piece.kind] = whole;
	return 0;
}

static int
take_device(struct startup_recv *recv, struct chan_msg *msg)
{
	chan_get(msg, &recv->device, sizeof(recv->device));
	keep_fds(msg, recv->queues, &recv->nqueues);
	return request_text_is_good(recv->device.name) ? 0 : -EBADMSG;
}

static int
take_listen(struct startup_recv *recv, struct chan_msg *msg)
{
	keep_fds(msg, recv->listeners, &recv->nlisteners);
	return 0;
}

static int
take_udp(struct startup_recv *recv, struct chan_msg *msg)
{
	if (recv->nudp + msg->nfds > nitems(recv->udp))
		return -EBADMSG;
	keep_fds(msg, recv->udp, &recv->nudp);
	return 0;
}

static int
take_admin(struct startup_recv *recv, struct chan_msg *msg)
{
	recv->admin = chan_keep_fd(msg, 0);
	return 0;
}

static int
take_keeper(struct startup_recv *recv, struct chan_msg *msg)
{
	int auth = chan_keep_fd(msg, 0), sign = chan_keep_fd(msg, 1);

	if (recv->events != NULL) {
		recv->events->on_keeper(recv->arg, auth, sign);
		return 0;
	}
	recv->keeper[0] = auth;
	recv->keeper[1] = sign;
	return 0;
}

static int
take_start(struct startup_recv *recv, struct chan_msg *msg)
{
	chan_get(msg, &recv->start, sizeof(recv->start));
	recv->totals = chan_keep_fd(msg, 0);
	return request_text_is_good(recv->start.version) ? 0 : -EBADMSG;
}

static int
take_credentials(struct startup_recv *recv, struct chan_msg *msg)
{
	struct request_site site;

	for (size_t at = 0; at < msg->len; at += sizeof(site)) {
		memcpy(&site, msg->data + at, sizeof(site));
		if (!request_text_is_good(site.name))
			return -EBADMSG;
		recv->events->on_credential(recv->arg, site.name);
	}
	return 0;
}

static int
take_netchange(struct startup_recv *recv, struct chan_msg *msg)
{
	recv->events->on_network_changed(recv->arg);
	return 0;
}

static int
take_egress(struct startup_recv *recv, struct chan_msg *msg)
{
	struct request_egress egress;

	chan_get(msg, &egress, sizeof(egress));
	if (egress.v4 >= REQUEST_WAYS || egress.v6 >= REQUEST_WAYS ||
	    egress.dns >= REQUEST_DNSES || !request_text_is_good(egress.front))
		return -EBADMSG;
	recv->events->on_egress(recv->arg, &egress);
	return 0;
}

static int
take_host(struct startup_recv *recv, struct chan_msg *msg)
{
	struct request_host host;

	chan_get(msg, &host, sizeof(host));
	if (host.n > REQUEST_MAX_TROUBLES)
		return -EBADMSG;
	for (uint64_t i = 0; i < host.n; i++) {
		if (!request_text_is_good(host.list[i].what) ||
		    !request_text_is_good(host.list[i].why))
			return -EBADMSG;
	}
	recv->events->on_host(recv->arg, &host);
	return 0;
}

/* monitor_ask.c answers it. */
static int
take_ping(struct startup_recv *recv, struct chan_msg *msg)
{
	return 0;
}

/* 1 when it was the last, 0, or a negative errno value. */
static int
add_piece(struct startup_text *text, const struct chan_msg *msg, size_t max)
{
	struct request_piece piece;
	size_t n = msg->len - sizeof(piece);
	char  *more;

	chan_get_head(msg, &piece, sizeof(piece));
	if (piece.is_last > 1 ||
	    memchr(msg->data + sizeof(piece), '\0', n) != NULL)
		return -EBADMSG;
	if (n > max - text->len)
		return -EFBIG;
	more = realloc(text->text, text->len + n + 1);
	if (more == NULL)
		return -ENOMEM;
	memcpy(more + text->len, msg->data + sizeof(piece), n);
	text->text = more;
	text->len += n;
	text->text[text->len] = '\0';
	return (int)piece.is_last;
}

static void
keep_fds(struct chan_msg *msg, int *fds, unsigned *n)
{
	for (unsigned i = 0; i < msg->nfds; i++)
		fds[(*n)++] = chan_keep_fd(msg, i);
}

static void
close_fds(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] != -1)
			close(fds[i]);
	}
}

static void
say_complaint(void *arg, const char *text)
{
	log_warnx("%s", text);
}
