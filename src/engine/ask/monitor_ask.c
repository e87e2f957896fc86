/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A slot stays taken until its answer is there, even if its asker has gone. */
#include "engine/ask/monitor_ask.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf_keys.h"


struct ask {
	bool	      taken;
	enum request  type;
	uint32_t      id;
	unsigned      count; /* LANES: descriptors asked for */
	bool	      cancelled;
	void	     *arg;
	union {
		void (*resolve)(void *arg, const struct endpoint *list,
		    unsigned n);
		void (*connect)(void *arg, int fd, int error);
		void (*lanes)(void *arg, const int *fds, unsigned n,
		    int error);
		void (*network)(void *arg, int error, const char *why);
		void (*pam)(void *arg, int fd, int error);
		void (*reload)(void *arg, bool taken);
	} done;
};

struct monitor_ask {
	struct chan			 chan;
	const struct monitor_ask_events *events;
	void				*arg;
	struct startup_recv_pieces		 pieces;
	struct startup_recv_material		 material;
	struct ask asks[MONITOR_ASK_MAX_PENDING];
};

static int  ask_new(struct monitor_ask *ask, enum request type, void *arg,
     struct ask **out);
static int  ask_send(struct monitor_ask *ask, struct ask *slot,
     const void *data, size_t len);
static void on_msg(struct chan *chan, struct chan_msg *msg);
static void on_closed(struct chan *chan);
static bool on_news(struct monitor_ask *ask, struct chan_msg *msg);
static bool on_conf_piece(struct monitor_ask *ask, const struct chan_msg *msg);
static bool on_material(struct monitor_ask *ask, const struct chan_msg *msg);
static bool on_credentials(struct monitor_ask *ask,
    const struct chan_msg *msg);
static bool on_egress(struct monitor_ask *ask, const struct chan_msg *msg);
static bool on_answer(struct monitor_ask *ask, struct chan_msg *msg);
static bool answer_resolve(const struct ask *slot, struct chan_msg *msg);
static bool answer_connect(const struct ask *slot, struct chan_msg *msg);
static bool answer_lanes(const struct ask *slot, struct chan_msg *msg);
static bool answer_network(const struct ask *slot, struct chan_msg *msg);
static bool answer_pam(const struct ask *slot, struct chan_msg *msg);
static bool answer_reload(const struct ask *slot, struct chan_msg *msg);
static bool take_fd(struct chan_msg *msg, uint32_t *error);
static int  to_error(uint32_t error);

struct monitor_ask *
monitor_ask_new(struct ev_loop *loop, int fd,
    const struct monitor_ask_events *events, void *arg)
{
	struct monitor_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL) {
		close(fd);
		return NULL;
	}
	ask->events = events;
	ask->arg = arg;
	chan_open(&ask->chan, loop, fd, on_msg, on_closed, ask);
	/* Before the keeper's: its verdict may be on a credential that is gone. */
	ev_io_stop(loop, &ask->chan.reader);
	ev_set_priority(&ask->chan.reader, EV_MAXPRI);
	ev_io_start(loop, &ask->chan.reader);
	return ask;
}

void
monitor_ask_free(struct monitor_ask *ask)
{
	if (ask == NULL)
		return;
	chan_close(&ask->chan);
	startup_recv_pieces_clear(&ask->pieces);
	startup_recv_pieces_clear(&ask->material.pieces);
	free(ask);
}

void
monitor_ask_ready(struct monitor_ask *ask)
{
	chan_send(&ask->chan, REQUEST_READY, 0, NULL, 0, NULL, 0);
}

void
monitor_ask_stop(struct monitor_ask *ask)
{
	chan_send(&ask->chan, REQUEST_STOP, 0, NULL, 0, NULL, 0);
}

void
monitor_ask_verified(struct monitor_ask *ask)
{
	chan_send(&ask->chan, REQUEST_VERIFIED, 0, NULL, 0, NULL, 0);
}

void
monitor_ask_in_force(struct monitor_ask *ask, enum request_material kind,
    uint32_t number)
{
	uint8_t payload[5] = { (uint8_t)kind };

	wire_write_u32(payload + 1, number);
	chan_send(&ask->chan, REQUEST_IN_FORCE, 0, payload, sizeof(payload),
	    NULL, 0);
}

int
monitor_ask_resolve(struct monitor_ask *ask, unsigned which,
    void (*done)(void *arg, const struct endpoint *list, unsigned n), void *arg)
{
	const uint8_t payload[] = { (uint8_t)which };
	struct ask   *slot;
	int	      r = ask_new(ask, REQUEST_RESOLVE, arg, &slot);

	if (r < 0)
		return r;
	slot->done.resolve = done;
	return ask_send(ask, slot, payload, sizeof(payload));
}

int
monitor_ask_connect(struct monitor_ask *ask, unsigned which, unsigned index,
    void (*done)(void *arg, int fd, int error), void *arg)
{
	const uint8_t payload[] = { (uint8_t)which, (uint8_t)index };
	struct ask   *slot;
	int	      r;

	if (index >= REQUEST_MAX_ENDPOINTS)
		return -EINVAL;
	r = ask_new(ask, REQUEST_CONNECT, arg, &slot);
	if (r < 0)
		return r;
	slot->done.connect = done;
	return ask_send(ask, slot, payload, sizeof(payload));
}

int
monitor_ask_lanes(struct monitor_ask *ask, unsigned which, unsigned index,
    unsigned count,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg)
{
	const uint8_t payload[] = { (uint8_t)which, (uint8_t)index,
		(uint8_t)count };
	struct ask   *slot;
	int	      r;

	if (index >= REQUEST_MAX_ENDPOINTS || count < 1 ||
	    count > CONF_MAX_WORKERS)
		return -EINVAL;
	r = ask_new(ask, REQUEST_LANES, arg, &slot);
	if (r < 0)
		return r;
	slot->count = count;
	slot->done.lanes = done;
	return ask_send(ask, slot, payload, sizeof(payload));
}

int
monitor_ask_network(struct monitor_ask *ask, const struct prefix *addresses,
    size_t naddresses, const struct prefix *routes, size_t nroutes,
    void (*done)(void *arg, int error, const char *why), void *arg)
{
	struct wire_writer w;
	struct ask	  *slot;
	uint8_t		  *buf;
	int		   r;

	if (naddresses > REQUEST_MAX_ADDRESSES || nroutes > REQUEST_MAX_ROUTES)
		return -E2BIG;
	buf = malloc(CHAN_MAX_PAYLOAD);
	if (buf == NULL)
		return -ENOMEM;
	wire_writer_init(&w, buf, CHAN_MAX_PAYLOAD);
	wire_put_u8(&w, (uint8_t)naddresses);
	for (size_t i = 0; i < naddresses; i++)
		request_put_prefix(&w, &addresses[i]);
	wire_put_u16(&w, (uint16_t)nroutes);
	for (size_t i = 0; i < nroutes; i++)
		request_put_prefix(&w, &routes[i]);
	assert(wire_writer_is_ok(&w));
	r = ask_new(ask, REQUEST_NETWORK, arg, &slot);
	if (r == 0) {
		slot->done.network = done;
		r = ask_send(ask, slot, buf, w.len);
	}
	free(buf);
	return r;
}

int
monitor_ask_dns(struct monitor_ask *ask, const struct prefix *servers,
    size_t nservers, char *const *domains, size_t ndomains,
    void (*done)(void *arg, int error, const char *why), void *arg)
{
	struct wire_writer w;
	struct ask	  *slot;
	uint8_t		  *buf;
	int		   r;

	if (nservers > CONF_MAX_DNS || ndomains > CONF_MAX_DOMAINS)
		return -E2BIG;
	buf = malloc(CHAN_MAX_PAYLOAD);
	if (buf == NULL)
		return -ENOMEM;
	wire_writer_init(&w, buf, CHAN_MAX_PAYLOAD);
	wire_put_u8(&w, (uint8_t)nservers);
	for (size_t i = 0; i < nservers; i++)
		request_put_addr(&w, &servers[i].addr);
	wire_put_u8(&w, (uint8_t)ndomains);
	for (size_t i = 0; i < ndomains; i++)
		wire_put_string(&w, domains[i]);
	assert(wire_writer_is_ok(&w));
	r = ask_new(ask, REQUEST_DNS, arg, &slot);
	if (r == 0) {
		slot->done.network = done;
		r = ask_send(ask, slot, buf, w.len);
	}
	free(buf);
	return r;
}

void
monitor_ask_down(struct monitor_ask *ask)
{
	chan_send(&ask->chan, REQUEST_DOWN, 0, NULL, 0, NULL, 0);
}

int
monitor_ask_pam(struct monitor_ask *ask, const char *site, const char *address,
    void (*done)(void *arg, int fd, int error), void *arg)
{
	struct wire_writer w;
	struct ask	  *slot;
	uint8_t		   buf[256];
	int		   r;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_string(&w, site);
	wire_put_string(&w, address);
	if (!wire_writer_is_ok(&w))
		return -EINVAL;
	r = ask_new(ask, REQUEST_PAM, arg, &slot);
	if (r < 0)
		return r;
	slot->done.pam = done;
	return ask_send(ask, slot, buf, w.len);
}

int
monitor_ask_reload(struct monitor_ask *ask, bool all,
    void (*done)(void *arg, bool taken), void *arg)
{
	const uint8_t scope = all ? 1 : 0;
	struct ask   *slot;
	int	      r = ask_new(ask, REQUEST_RELOAD, arg, &slot);

	if (r < 0)
		return r;
	slot->done.reload = done;
	return ask_send(ask, slot, &scope, 1);
}

void
monitor_ask_cancel(struct monitor_ask *ask, const void *arg)
{
	for (size_t i = 0; i < nitems(ask->asks); i++) {
		if (ask->asks[i].taken && ask->asks[i].arg == arg)
			ask->asks[i].cancelled = true;
	}
}

static int
ask_new(struct monitor_ask *ask, enum request type, void *arg,
    struct ask **out)
{
	for (size_t i = 0; i < nitems(ask->asks); i++) {
		if (ask->asks[i].taken)
			continue;
		*out = &ask->asks[i];
		**out = (struct ask) {
			.type = type,
			.id = chan_next_id(&ask->chan),
			.arg = arg,
		};
		return 0;
	}
	return -EAGAIN;
}

static int
ask_send(struct monitor_ask *ask, struct ask *slot, const void *data,
    size_t len)
{
	int r = chan_send(&ask->chan, (uint16_t)slot->type, slot->id, data, len,
	    NULL, 0);

	slot->taken = r == 0;
	return r;
}

static void
on_msg(struct chan *chan, struct chan_msg *msg)
{
	struct monitor_ask *ask = chan->arg;
	bool		    ok;

	ok = msg->type >= REQUEST_READY ? on_answer(ask, msg) :
					  on_news(ask, msg);
	if (ok)
		return;
	log_warnx("monitor: request %u is malformed", msg->type);
	chan_close(chan);
	ask->events->on_gone(ask->arg);
}

static void
on_closed(struct chan *chan)
{
	struct monitor_ask *ask = chan->arg;

	ask->events->on_gone(ask->arg);
}

static bool
on_news(struct monitor_ask *ask, struct chan_msg *msg)
{
	int auth_fd;

	switch (msg->type) {
	case REQUEST_CONF:
		return msg->nfds == 0 && on_conf_piece(ask, msg);
	case REQUEST_KEEPER:
		if (msg->nfds != 2 || msg->len != 0)
			return false;
		auth_fd = startup_recv_keep_fd(msg, 0);
		ask->events->on_keeper(ask->arg, auth_fd,
		    startup_recv_keep_fd(msg, 1));
		return true;
	case REQUEST_MATERIAL:
		return msg->nfds == 0 && on_material(ask, msg);
	case REQUEST_CREDENTIALS:
		return msg->nfds == 0 && on_credentials(ask, msg);
	case REQUEST_NETCHANGE:
		if (msg->nfds != 0 || msg->len != 0)
			return false;
		ask->events->on_network_changed(ask->arg);
		return true;
	case REQUEST_EGRESS:
		return msg->nfds == 0 && on_egress(ask, msg);
	case REQUEST_PING:
		if (msg->nfds != 0 || msg->len != 0)
			return false;
		return chan_send(&ask->chan, REQUEST_PONG, msg->id, NULL, 0,
			   NULL, 0) == 0;
	default:
		return false;
	}
}

static bool
on_conf_piece(struct monitor_ask *ask, const struct chan_msg *msg)
{
	struct conf *conf;

	if (startup_recv_pieces_add(&ask->pieces, msg) < 0)
		return false;
	if (!ask->pieces.done)
		return true;
	/* The monitor has checked it: to refuse it here is a bug in us. */
	if (startup_recv_pieces_parse(&ask->pieces, &conf) < 0)
		return false;
	ask->events->on_conf(ask->arg, conf);
	return true;
}

static bool
on_material(struct monitor_ask *ask, const struct chan_msg *msg)
{
	struct startup_recv_material *material = &ask->material;

	if (startup_recv_take_material(material, msg) < 0)
		return false;
	if (material->text.text == NULL)
		return true;
	ask->events->on_material(ask->arg, material);
	free(material->text.text);
	material->text.text = NULL;
	return true;
}

static bool
on_egress(struct monitor_ask *ask, const struct chan_msg *msg)
{
	struct request_egress egress;
	struct wire_reader    r;

	wire_reader_init(&r, msg->data, msg->len);
	egress.v4 = (enum request_way)wire_get_u8(&r);
	egress.v6 = (enum request_way)wire_get_u8(&r);
	egress.dns = (enum request_dns)wire_get_u8(&r);
	egress.dropped = wire_get_u64(&r);
	wire_get_string(&r, egress.front, sizeof(egress.front));
	if (!wire_is_done(&r) || egress.v4 >= REQUEST_WAYS ||
	    egress.v6 >= REQUEST_WAYS || egress.dns >= REQUEST_DNSES)
		return false;
	ask->events->on_egress(ask->arg, &egress);
	return true;
}

static bool
on_credentials(struct monitor_ask *ask, const struct chan_msg *msg)
{
	struct wire_reader r;
	char		   site[CONF_NAME_MAX + 1];

	wire_reader_init(&r, msg->data, msg->len);
	while (wire_left(&r) > 0) {
		wire_get_string(&r, site, sizeof(site));
		if (!wire_is_ok(&r))
			return false;
		ask->events->on_credential(ask->arg, site);
	}
	return true;
}

static bool
on_answer(struct monitor_ask *ask, struct chan_msg *msg)
{
	struct ask *slot = NULL, copy;

	for (size_t i = 0; i < nitems(ask->asks); i++) {
		if (ask->asks[i].taken && ask->asks[i].id == msg->id &&
		    (uint16_t)ask->asks[i].type == msg->type)
			slot = &ask->asks[i];
	}
	if (slot == NULL)
		return false;
	/* Free before the callback, which may ask again. */
	copy = *slot;
	slot->taken = false;
	switch (copy.type) {
	case REQUEST_RESOLVE:
		return answer_resolve(&copy, msg);
	case REQUEST_CONNECT:
		return answer_connect(&copy, msg);
	case REQUEST_LANES:
		return answer_lanes(&copy, msg);
	case REQUEST_PAM:
		return answer_pam(&copy, msg);
	case REQUEST_RELOAD:
		return answer_reload(&copy, msg);
	default: /* NETWORK, DNS */
		return answer_network(&copy, msg);
	}
}

static bool
answer_resolve(const struct ask *slot, struct chan_msg *msg)
{
	struct endpoint	   list[REQUEST_MAX_ENDPOINTS];
	struct wire_reader r;
	unsigned	   n;

	wire_reader_init(&r, msg->data, msg->len);
	n = wire_get_u8(&r);
	if (n > REQUEST_MAX_ENDPOINTS)
		return false;
	for (unsigned i = 0; i < n; i++)
		request_get_endpoint(&r, &list[i]);
	if (!wire_is_done(&r) || msg->nfds != 0)
		return false;
	if (!slot->cancelled)
		slot->done.resolve(slot->arg, list, n);
	return true;
}

static bool
answer_connect(const struct ask *slot, struct chan_msg *msg)
{
	uint32_t error;

	if (!take_fd(msg, &error))
		return false;
	if (!slot->cancelled)
		slot->done.connect(slot->arg,
		    error == 0 ? startup_recv_keep_fd(msg, 0) : -1,
		    to_error(error));
	return true;
}

static bool
answer_pam(const struct ask *slot, struct chan_msg *msg)
{
	uint32_t error;

	if (!take_fd(msg, &error))
		return false;
	if (!slot->cancelled)
		slot->done.pam(slot->arg,
		    error == 0 ? startup_recv_keep_fd(msg, 0) : -1,
		    to_error(error));
	return true;
}

/* An error, or none and one descriptor. */
static bool
take_fd(struct chan_msg *msg, uint32_t *error)
{
	struct wire_reader r;

	wire_reader_init(&r, msg->data, msg->len);
	*error = wire_get_u32(&r);
	return wire_is_done(&r) && msg->nfds == (*error == 0 ? 1 : 0);
}

static bool
answer_lanes(const struct ask *slot, struct chan_msg *msg)
{
	struct wire_reader r;
	uint32_t	   error;
	int		   fds[CONF_MAX_WORKERS];
	unsigned	   n;

	wire_reader_init(&r, msg->data, msg->len);
	error = wire_get_u32(&r);
	n = error == 0 ? slot->count : 0;
	if (!wire_is_done(&r) || msg->nfds != n)
		return false;
	if (slot->cancelled)
		return true;
	for (unsigned i = 0; i < n; i++)
		fds[i] = startup_recv_keep_fd(msg, i);
	slot->done.lanes(slot->arg, fds, n, to_error(error));
	return true;
}

static bool
answer_network(const struct ask *slot, struct chan_msg *msg)
{
	struct wire_reader r;
	uint32_t	   error;
	char		   why[256];

	wire_reader_init(&r, msg->data, msg->len);
	error = wire_get_u32(&r);
	wire_get_string(&r, why, sizeof(why));
	if (!wire_is_done(&r) || msg->nfds != 0)
		return false;
	if (!slot->cancelled)
		slot->done.network(slot->arg, to_error(error), why);
	return true;
}

static bool
answer_reload(const struct ask *slot, struct chan_msg *msg)
{
	if (msg->len != 1 || msg->data[0] > 1 || msg->nfds != 0)
		return false;
	if (!slot->cancelled)
		slot->done.reload(slot->arg, msg->data[0] == 1);
	return true;
}

/* A positive errno value, whatever came. */
static int
to_error(uint32_t error)
{
	return error <= 4095 ? (int)error : EIO;
}
