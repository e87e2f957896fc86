/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "monitor/serve/startup_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ask/monitor_ask.h"
#include "proc/request.h"

static int send_fds(struct chan *engine, enum request type, const int *fds,
    unsigned nfds);
static int send_material(struct chan *engine, enum request_material kind,
    uint8_t flags, const struct startup_recv_text *text);
static int send_pieces(struct chan *engine, enum request type, uint8_t *head,
    size_t head_len, uint8_t *flags, const char *text, size_t len);
static int send_device(struct chan *engine, const struct tapdev *device);
static int send_start(struct chan *engine, const struct startup_send *opening);

int
startup_send_send(struct chan *engine, const struct startup_send *opening)
{
	int r;

	r = startup_send_send_conf(engine, opening->conf, opening->conf_len);
	for (unsigned i = 0; r == 0 && i < REQUEST_MATERIALS; i++) {
		const struct startup_recv_text *first = certs_begin(
		    opening->material, (enum request_material)i);

		if (first != NULL)
			r = send_material(engine, (enum request_material)i, 0,
			    first);
	}
	if (r == 0)
		r = send_device(engine, opening->device);
	if (r == 0 && opening->nlisteners > 0)
		r = send_fds(engine, REQUEST_LISTEN, opening->listeners,
		    opening->nlisteners);
	for (unsigned i = 0; r == 0 && i < opening->nlisteners; i++)
		r = send_fds(engine, REQUEST_UDP, opening->udp[i],
		    opening->nudp);
	if (r == 0 && opening->admin != -1)
		r = send_fds(engine, REQUEST_ADMIN, &opening->admin, 1);
	if (r == 0)
		r = startup_send_send_keeper(engine, opening->keeper);
	if (r == 0)
		r = send_start(engine, opening);
	return r;
}

int
startup_send_send_conf(struct chan *engine, const char *text, size_t len)
{
	uint8_t head[1] = { 0 };

	if (len > STARTUP_RECV_MAX_CONF)
		return -EFBIG;
	return send_pieces(engine, REQUEST_CONF, head, sizeof(head), &head[0],
	    text, len);
}

/* Lists and CAs before chains, for which the keeper is waited for. */
int
startup_send_send_news(struct chan *engine, struct certs *material)
{
	int r = 0;

	for (unsigned i = REQUEST_MATERIALS; r == 0 && i-- > 0;) {
		struct startup_recv_text news;
		enum request_material kind = (enum request_material)i;

		if (!certs_has_news(material, kind, &news))
			continue;
		r = send_material(engine, kind,
		    material->of[i].why[0] != '\0' ? 2 : 0, &news);
	}
	return r;
}

static int
send_material(struct chan *engine, enum request_material kind, uint8_t flags,
    const struct startup_recv_text *text)
{
	uint8_t head[6] = { (uint8_t)kind, flags };

	wire_write_u32(head + 2, text->number);
	return send_pieces(engine, REQUEST_MATERIAL, head, sizeof(head),
	    &head[1], text->text, text->len);
}

/* Each with the head; the last has the lowest bit of its flags set. */
static int
send_pieces(struct chan *engine, enum request type, uint8_t *head,
    size_t head_len, uint8_t *flags, const char *text, size_t len)
{
	uint8_t *piece = malloc(CHAN_MAX_PAYLOAD);
	int	 r = piece != NULL ? 0 : -ENOMEM;

	while (r == 0 && (*flags & 1) == 0) {
		size_t room = CHAN_MAX_PAYLOAD - head_len;
		size_t n = len < room ? len : room;

		*flags |= n == len;
		memcpy(piece, head, head_len);
		memcpy(piece + head_len, text, n);
		r = chan_send(engine, (uint16_t)type, 0, piece, head_len + n,
		    NULL, 0);
		text += n;
		len -= n;
	}
	free(piece);
	return r;
}

int
startup_send_send_credentials(struct chan *engine, const char *const *sites,
    size_t n)
{
	struct wire_writer w;
	uint8_t		   buf[4096];
	int		   r = 0;

	wire_writer_init(&w, buf, sizeof(buf));
	for (size_t i = 0; i < n && r == 0; i++) {
		wire_put_string(&w, sites[i]);
		if (i + 1 < n && w.len + CONF_NAME_MAX + 8 <= sizeof(buf))
			continue;
		r = wire_writer_is_ok(&w) ?
		    chan_send(engine, REQUEST_CREDENTIALS, 0, buf, w.len, NULL,
			0) :
		    -EMSGSIZE;
		wire_writer_init(&w, buf, sizeof(buf));
	}
	return r;
}

int
startup_send_send_netchange(struct chan *engine)
{
	return send_fds(engine, REQUEST_NETCHANGE, NULL, 0);
}

int
startup_send_send_egress(struct chan *engine,
    const struct request_egress *egress)
{
	struct wire_writer w;
	uint8_t		   buf[REQUEST_FRONT_SIZE + 16];

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, (uint8_t)egress->v4);
	wire_put_u8(&w, (uint8_t)egress->v6);
	wire_put_u8(&w, (uint8_t)egress->dns);
	wire_put_u64(&w, egress->dropped);
	wire_put_string(&w, egress->front);
	if (!wire_writer_is_ok(&w))
		return -EMSGSIZE;
	return chan_send(engine, REQUEST_EGRESS, 0, buf, w.len, NULL, 0);
}

int
startup_send_send_keeper(struct chan *engine, const int keeper[2])
{
	return send_fds(engine, REQUEST_KEEPER, keeper, 2);
}

static int
send_fds(struct chan *engine, enum request type, const int *fds, unsigned nfds)
{
	return chan_send(engine, (uint16_t)type, 0, NULL, 0, fds, nfds);
}

static int
send_device(struct chan *engine, const struct tapdev *device)
{
	struct wire_writer w;
	uint8_t		   buf[64];

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_string(&w, device->name);
	wire_put_u32(&w, device->ifindex);
	wire_put_u32(&w, device->mtu);
	wire_put_bytes(&w, device->mac, sizeof(device->mac));
	wire_put_u32(&w, device->offloads);
	if (!wire_writer_is_ok(&w))
		return -EMSGSIZE;
	return chan_send(engine, REQUEST_DEVICE, 0, buf, w.len, device->queues,
	    device->nqueues);
}

static int
send_start(struct chan *engine, const struct startup_send *opening)
{
	struct wire_writer w;
	uint8_t		   buf[64];

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_string(&w, PACKAGE_VERSION);
	wire_put_u32(&w, opening->restarts);
	wire_put_u64(&w, (uint64_t)opening->good_time);
	if (!wire_writer_is_ok(&w))
		return -EMSGSIZE;
	return chan_send(engine, REQUEST_START, 0, buf, w.len,
	    &opening->totals, 1);
}
