/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "monitor/serve/startup_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "proc/startup.h"

static int send_pieces(struct chan *engine, enum request type,
    struct request_piece piece, const char *text, size_t len);
static int send_device(struct chan *engine, const struct tapdev *device);
static int send_start(struct chan *engine, const struct startup_send *startup);

int
startup_send_all(struct chan *engine, const struct startup_send *startup)
{
	int r = startup_send_conf(engine, startup->conf, startup->conf_len);

	for (unsigned i = 0; r == 0 && i < REQUEST_CERTS_KINDS; i++) {
		enum request_certs kind = (enum request_certs)i;
		const struct startup_text *first = certs_begin(
		    startup->certs, kind);

		if (first != NULL)
			r = send_pieces(engine, REQUEST_CERTS,
			    (struct request_piece) { .kind = kind,
				.number = first->number },
			    first->text, first->len);
	}
	if (r == 0)
		r = send_device(engine, startup->device);
	if (r == 0 && startup->nlisteners > 0)
		r = startup_send(engine, REQUEST_LISTEN, NULL, 0,
		    startup->listeners, startup->nlisteners);
	for (unsigned i = 0; r == 0 && i < startup->nlisteners; i++)
		r = startup_send(engine, REQUEST_UDP, NULL, 0,
		    startup->udp[i], startup->nudp);
	if (r == 0 && startup->admin != -1)
		r = startup_send(engine, REQUEST_ADMIN, NULL, 0,
		    &startup->admin, 1);
	if (r == 0)
		r = startup_send(engine, REQUEST_KEEPER, NULL, 0,
		    startup->keeper, 2);
	if (r == 0)
		r = send_start(engine, startup);
	return r;
}

int
startup_send(struct chan *engine, enum request type, const void *data,
    size_t len, const int *fds, unsigned nfds)
{
	if (!startup_fits(0, (uint16_t)type, len, nfds))
		return -EINVAL;
	return chan_send(engine, (uint16_t)type, 0, data, len, fds, nfds);
}

int
startup_send_conf(struct chan *engine, const char *text, size_t len)
{
	if (len > STARTUP_MAX_CONF)
		return -EFBIG;
	return send_pieces(engine, REQUEST_CONF, (struct request_piece) { 0 },
	    text, len);
}

/* Lists and CAs before chains: chains wait for the keeper. */
int
startup_send_news(struct chan *engine, struct certs *certs)
{
	int r = 0;

	for (unsigned i = REQUEST_CERTS_KINDS; r == 0 && i-- > 0;) {
		enum request_certs kind = (enum request_certs)i;
		struct startup_text   news;

		if (certs_has_news(certs, kind, &news))
			r = send_pieces(engine, REQUEST_CERTS,
			    (struct request_piece) { .kind = kind,
				.number = news.number,
				.is_trouble =
				    certs->of[i].why[0] != '\0' },
			    news.text, news.len);
	}
	return r;
}

/* Each piece has the head. */
static int
send_pieces(struct chan *engine, enum request type, struct request_piece piece,
    const char *text, size_t len)
{
	const size_t room = CHAN_MAX_PAYLOAD - sizeof(piece);
	uint8_t	    *buf = malloc(CHAN_MAX_PAYLOAD);
	int	     r = buf != NULL ? 0 : -ENOMEM;

	while (r == 0 && piece.is_last == 0) {
		size_t n = len < room ? len : room;

		piece.is_last = n == len;
		memcpy(buf, &piece, sizeof(piece));
		memcpy(buf + sizeof(piece), text, n);
		r = startup_send(engine, type, buf, sizeof(piece) + n, NULL,
		    0);
		text += n;
		len -= n;
	}
	free(buf);
	return r;
}

int
startup_send_credentials(struct chan *engine, const char *const *sites,
    size_t n)
{
	struct request_site some[64];
	int		    r = 0;

	for (size_t i = 0; i < n && r == 0;) {
		size_t at = 0;

		memset(some, 0, sizeof(some));
		while (i < n && at < nitems(some))
			strlcpy(some[at++].name, sites[i++],
			    sizeof(some[0].name));
		r = startup_send(engine, REQUEST_CREDENTIALS, some,
		    at * sizeof(some[0]), NULL, 0);
	}
	return r;
}

static int
send_device(struct chan *engine, const struct tapdev *device)
{
	struct request_device out = { .ifindex = device->ifindex,
		.mtu = device->mtu, .offloads = device->offloads };

	strlcpy(out.name, device->name, sizeof(out.name));
	memcpy(out.mac, device->mac, sizeof(out.mac));
	return startup_send(engine, REQUEST_DEVICE, &out, sizeof(out),
	    device->queues, device->nqueues);
}

static int
send_start(struct chan *engine, const struct startup_send *startup)
{
	const struct request_start start = { .version = PACKAGE_VERSION,
		.restarts = startup->restarts };

	return startup_send(engine, REQUEST_START, &start, sizeof(start),
	    &startup->totals, 1);
}
