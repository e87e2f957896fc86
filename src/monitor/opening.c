/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "monitor/opening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/monitor_ask.h"
#include "proc/request.h"

#define PIECE	       (CHAN_MAX_PAYLOAD - 1)
#define MATERIAL_PIECE (CHAN_MAX_PAYLOAD - 6)

static int send_fds(struct chan *engine, enum request type, const int *fds,
    unsigned nfds);
static int send_material(struct chan *engine, enum request_material kind,
    uint8_t flags, const struct material_one *one);
static int send_device(struct chan *engine, const struct tapdev *device);
static int send_start(struct chan *engine, const struct opening *opening);

int
opening_send(struct chan *engine, const struct opening *opening)
{
	int r;

	r = opening_send_conf(engine, opening->conf, opening->conf_len);
	for (unsigned i = 0; r == 0 && i < REQUEST_MATERIALS; i++) {
		const struct material_one *first = material_begin(
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
		r = opening_send_keeper(engine, opening->keeper);
	if (r == 0)
		r = send_start(engine, opening);
	return r;
}

int
opening_send_conf(struct chan *engine, const char *text, size_t len)
{
	uint8_t *piece;
	int	 r = 0;

	if (len > GIFT_MAX_CONF)
		return -EFBIG;
	piece = malloc(1 + PIECE);
	if (piece == NULL)
		return -ENOMEM;
	do {
		size_t n = len < PIECE ? len : PIECE;

		piece[0] = n == len;
		memcpy(piece + 1, text, n);
		r = chan_send(engine, REQUEST_CONF, 0, piece, 1 + n, NULL, 0);
		text += n;
		len -= n;
	} while (r == 0 && len > 0);
	free(piece);
	return r;
}

/* Lists and CAs before chains, for which the keeper is waited for. */
int
opening_send_news(struct chan *engine, struct material *material)
{
	int r = 0;

	for (unsigned i = REQUEST_MATERIALS; r == 0 && i-- > 0;) {
		struct material_one news;
		enum request_material kind = (enum request_material)i;

		if (!material_has_news(material, kind, &news))
			continue;
		r = send_material(engine, kind,
		    material->of[i].why[0] != '\0' ? 2 : 0, &news);
	}
	return r;
}

static int
send_material(struct chan *engine, enum request_material kind, uint8_t flags,
    const struct material_one *one)
{
	const char *text = one->text;
	size_t	    len = one->len;
	uint8_t	   *piece = malloc(CHAN_MAX_PAYLOAD);
	int	    r = piece != NULL ? 0 : -ENOMEM;

	do {
		struct wire_writer w;
		size_t		   n = len < MATERIAL_PIECE ? len :
							      MATERIAL_PIECE;

		if (r < 0)
			break;
		wire_writer_init(&w, piece, CHAN_MAX_PAYLOAD);
		wire_put_u8(&w, (uint8_t)kind);
		wire_put_u8(&w, flags | (n == len));
		wire_put_u32(&w, one->number);
		wire_put_bytes(&w, text, n);
		r = chan_send(engine, REQUEST_MATERIAL, 0, piece, w.len, NULL,
		    0);
		text += n;
		len -= n;
	} while (len > 0);
	free(piece);
	return r;
}

int
opening_send_credentials(struct chan *engine, const char *const *sites,
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
opening_send_netchange(struct chan *engine)
{
	return send_fds(engine, REQUEST_NETCHANGE, NULL, 0);
}

int
opening_send_egress(struct chan *engine, const struct request_egress *egress)
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
opening_send_keeper(struct chan *engine, const int keeper[2])
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
send_start(struct chan *engine, const struct opening *opening)
{
	struct wire_writer w;
	uint8_t		   buf[64];

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_string(&w, PACKAGE_VERSION);
	wire_put_u32(&w, opening->restarts);
	wire_put_u64(&w, (uint64_t)opening->good_time);
	if (!wire_writer_is_ok(&w))
		return -EMSGSIZE;
	return chan_send(engine, REQUEST_START, 0, buf, w.len, NULL, 0);
}
