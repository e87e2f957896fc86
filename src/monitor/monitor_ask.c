/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two halves: the gift, taken blocking before there is a loop, by a table in
 * the order of the requests; then the asks, in a few slots.  A slot stays taken
 * until its answer is there, even if its asker has gone.
 */
#include "monitor/monitor_ask.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nitems.h"

#define GIFT_TIMEOUT_MS 30000 /* between two requests */

/* The text of a configuration while its pieces come in. */
struct pieces {
	char  *text; /* owned */
	size_t len;
	bool   done;
};

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
	} done;
};

struct monitor_ask {
	struct chan			 chan;
	const struct monitor_ask_events *events;
	void				*arg;
	struct pieces			 pieces;
	struct ask asks[MONITOR_ASK_MAX_PENDING];
};

struct gift_step {
	enum request type;
	unsigned     min_fds, max_fds;
	int (*take)(struct monitor_gift *gift, struct pieces *pieces,
	    struct chan_msg *msg);
};

static int  take_step(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg, uint16_t *last);
static int  take_conf(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static int  take_material(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static int  take_device(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static int  take_listen(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static int  take_udp(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static int  take_admin(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static int  take_keeper(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static int  take_start(struct monitor_gift *gift, struct pieces *pieces,
     struct chan_msg *msg);
static bool gift_is_complete(const struct monitor_gift *gift);
static int  keep_fd(struct chan_msg *msg, unsigned i);
static int  pieces_add(struct pieces *pieces, const struct chan_msg *msg);
static int  pieces_parse(struct pieces *pieces, struct conf **conf);
static void pieces_clear(struct pieces *pieces);
static void say_complaint(void *arg, const char *text);

static const struct gift_step steps[] = {
	{ REQUEST_CONF,	    0, 0,		 take_conf },
	{ REQUEST_MATERIAL, 0, 0,		 take_material },
	{ REQUEST_DEVICE,   1, CONF_MAX_WORKERS, take_device },
	{ REQUEST_LISTEN,   1, 1,		 take_listen },
	{ REQUEST_UDP,	    1, CONF_MAX_WORKERS, take_udp },
	{ REQUEST_ADMIN,    1, 1,		 take_admin },
	{ REQUEST_KEEPER,   2, 2,		 take_keeper },
	{ REQUEST_START,    0, 0,		 take_start },
};

static int  ask_new(struct monitor_ask *ask, enum request type, void *arg,
     struct ask **out);
static int  ask_send(struct monitor_ask *ask, struct ask *slot,
     const void *data, size_t len);
static void on_msg(struct chan *chan, struct chan_msg *msg);
static void on_closed(struct chan *chan);
static bool on_news(struct monitor_ask *ask, struct chan_msg *msg);
static bool on_conf_piece(struct monitor_ask *ask, const struct chan_msg *msg);
static bool on_answer(struct monitor_ask *ask, struct chan_msg *msg);
static bool answer_resolve(const struct ask *slot, struct chan_msg *msg);
static bool answer_connect(const struct ask *slot, struct chan_msg *msg);
static bool answer_lanes(const struct ask *slot, struct chan_msg *msg);
static bool answer_network(const struct ask *slot, struct chan_msg *msg);
static int  to_error(uint32_t error);

int
monitor_ask_receive(int fd, struct monitor_gift *gift)
{
	struct pieces	pieces = { 0 };
	struct chan_msg msg;
	uint8_t	       *buf = malloc(CHAN_MAX_PAYLOAD);
	uint16_t	last = 0;
	int		r = buf != NULL ? 0 : -ENOMEM;

	*gift = (struct monitor_gift) {
		.listener = -1,
		.admin = -1,
		.keeper_auth = -1,
		.keeper_sign = -1,
	};
	while (r == 0 && last != REQUEST_START) {
		r = chan_recv_fd(fd, &msg, buf, GIFT_TIMEOUT_MS);
		if (r < 0)
			break;
		r = take_step(gift, &pieces, &msg, &last);
		chan_msg_close_fds(&msg);
	}
	if (r == 0 && !gift_is_complete(gift))
		r = -EBADMSG;
	if (r < 0)
		monitor_gift_free(gift);
	pieces_clear(&pieces);
	free(buf);
	return r;
}

void
monitor_gift_free(struct monitor_gift *gift)
{
	const int singles[] = { gift->listener, gift->admin,
		gift->keeper_auth, gift->keeper_sign };

	for (unsigned i = 0; i < gift->nqueues; i++)
		close(gift->queues[i]);
	for (unsigned i = 0; i < gift->nudp; i++)
		close(gift->udp[i]);
	for (size_t i = 0; i < nitems(singles); i++) {
		if (singles[i] != -1)
			close(singles[i]);
	}
	conf_free(gift->conf);
	free(gift->pem);
	*gift = (struct monitor_gift) {
		.listener = -1,
		.admin = -1,
		.keeper_auth = -1,
		.keeper_sign = -1,
	};
}

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
	return ask;
}

void
monitor_ask_free(struct monitor_ask *ask)
{
	if (ask == NULL)
		return;
	chan_close(&ask->chan);
	pieces_clear(&ask->pieces);
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

int
monitor_ask_resolve(struct monitor_ask *ask,
    void (*done)(void *arg, const struct endpoint *list, unsigned n), void *arg)
{
	struct ask *slot;
	int	    r = ask_new(ask, REQUEST_RESOLVE, arg, &slot);

	if (r < 0)
		return r;
	slot->done.resolve = done;
	return ask_send(ask, slot, NULL, 0);
}

int
monitor_ask_connect(struct monitor_ask *ask, unsigned index,
    void (*done)(void *arg, int fd, int error), void *arg)
{
	const uint8_t payload[] = { (uint8_t)index };
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
monitor_ask_lanes(struct monitor_ask *ask, unsigned index, unsigned count,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg)
{
	const uint8_t payload[] = { (uint8_t)index, (uint8_t)count };
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

void
monitor_ask_cancel(struct monitor_ask *ask, const void *arg)
{
	for (size_t i = 0; i < nitems(ask->asks); i++) {
		if (ask->asks[i].taken && ask->asks[i].arg == arg)
			ask->asks[i].cancelled = true;
	}
}

/* The gift. */

static int
take_step(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg, uint16_t *last)
{
	const struct gift_step *step = NULL;

	for (size_t i = 0; i < nitems(steps); i++) {
		if ((uint16_t)steps[i].type == msg->type)
			step = &steps[i];
	}
	if (step == NULL || msg->nfds < step->min_fds ||
	    msg->nfds > step->max_fds)
		return -EBADMSG;
	/* In order, each once; CONF until its last piece and no further. */
	if (step->type == REQUEST_CONF ? gift->conf != NULL :
		gift->conf == NULL || *last >= msg->type)
		return -EBADMSG;
	*last = msg->type;
	return step->take(gift, pieces, msg);
}

static int
take_conf(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	int r = pieces_add(pieces, msg);

	if (r < 0 || !pieces->done)
		return r;
	return pieces_parse(pieces, &gift->conf);
}

static int
take_material(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	(void)pieces;
	if (msg->len == 0 || memchr(msg->data, '\0', msg->len) != NULL)
		return -EBADMSG;
	gift->pem = malloc(msg->len + 1);
	if (gift->pem == NULL)
		return -ENOMEM;
	memcpy(gift->pem, msg->data, msg->len);
	gift->pem[msg->len] = '\0';
	gift->pem_len = msg->len;
	return 0;
}

static int
take_device(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	struct wire_reader r;

	(void)pieces;
	wire_reader_init(&r, msg->data, msg->len);
	wire_get_string(&r, gift->device, sizeof(gift->device));
	gift->ifindex = wire_get_u32(&r);
	gift->mtu = wire_get_u32(&r);
	wire_get_bytes(&r, gift->mac, sizeof(gift->mac));
	if (!wire_is_done(&r))
		return -EBADMSG;
	for (unsigned i = 0; i < msg->nfds; i++)
		gift->queues[gift->nqueues++] = keep_fd(msg, i);
	return 0;
}

static int
take_listen(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	(void)pieces;
	gift->listener = keep_fd(msg, 0);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_udp(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	(void)pieces;
	for (unsigned i = 0; i < msg->nfds; i++)
		gift->udp[gift->nudp++] = keep_fd(msg, i);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_admin(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	(void)pieces;
	gift->admin = keep_fd(msg, 0);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_keeper(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	(void)pieces;
	gift->keeper_auth = keep_fd(msg, 0);
	gift->keeper_sign = keep_fd(msg, 1);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_start(struct monitor_gift *gift, struct pieces *pieces,
    struct chan_msg *msg)
{
	struct wire_reader r;

	(void)pieces;
	wire_reader_init(&r, msg->data, msg->len);
	wire_get_string(&r, gift->version, sizeof(gift->version));
	return wire_is_done(&r) ? 0 : -EBADMSG;
}

static bool
gift_is_complete(const struct monitor_gift *gift)
{
	bool server = gift->conf != NULL && gift->conf->role == CONF_SERVER;

	return gift->conf != NULL && gift->pem != NULL && gift->nqueues > 0 &&
	    server == (gift->listener != -1) && server == (gift->nudp > 0);
}

static int
keep_fd(struct chan_msg *msg, unsigned i)
{
	int fd = msg->fds[i];

	msg->fds[i] = -1;
	return fd;
}

static int
pieces_add(struct pieces *pieces, const struct chan_msg *msg)
{
	size_t n;
	char  *text;

	if (msg->len < 1 || msg->data[0] > 1)
		return -EBADMSG;
	n = msg->len - 1;
	if (n > MONITOR_ASK_MAX_CONF - pieces->len)
		return -EFBIG;
	text = realloc(pieces->text, pieces->len + n + 1);
	if (text == NULL)
		return -ENOMEM;
	memcpy(text + pieces->len, msg->data + 1, n);
	pieces->text = text;
	pieces->len += n;
	pieces->text[pieces->len] = '\0';
	pieces->done = msg->data[0] == 1;
	return 0;
}

static int
pieces_parse(struct pieces *pieces, struct conf **conf)
{
	struct conf_errors errors = { .say = say_complaint };

	/* No directory: this process has no files. */
	*conf = conf_parse_text(pieces->text, pieces->len, CONF_FILE, "/",
	    &errors);
	pieces_clear(pieces);
	return *conf != NULL ? 0 : -EINVAL;
}

static void
pieces_clear(struct pieces *pieces)
{
	free(pieces->text);
	*pieces = (struct pieces) { 0 };
}

static void
say_complaint(void *arg, const char *text)
{
	(void)arg;
	log_warnx("%s", text);
}

/* The asks. */

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
	char *pem;
	int   auth_fd;

	switch (msg->type) {
	case REQUEST_CONF:
		return msg->nfds == 0 && on_conf_piece(ask, msg);
	case REQUEST_KEEPER:
		if (msg->nfds != 2 || msg->len != 0)
			return false;
		auth_fd = keep_fd(msg, 0);
		ask->events->on_keeper(ask->arg, auth_fd, keep_fd(msg, 1));
		return true;
	case REQUEST_MATERIAL:
		pem = strndup((const char *)msg->data, msg->len);
		if (pem == NULL || msg->nfds != 0 || strlen(pem) != msg->len) {
			free(pem);
			return false;
		}
		ask->events->on_material(ask->arg, pem, msg->len);
		free(pem);
		return true;
	default:
		return false;
	}
}

static bool
on_conf_piece(struct monitor_ask *ask, const struct chan_msg *msg)
{
	struct conf *conf;

	if (pieces_add(&ask->pieces, msg) < 0)
		return false;
	if (!ask->pieces.done)
		return true;
	/* The monitor has checked it: to refuse it here is a bug in us. */
	if (pieces_parse(&ask->pieces, &conf) < 0)
		return false;
	ask->events->on_conf(ask->arg, conf);
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
	default:
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
	struct wire_reader r;
	uint32_t	   error;
	int		   fd = -1;

	wire_reader_init(&r, msg->data, msg->len);
	error = wire_get_u32(&r);
	if (!wire_is_done(&r) || msg->nfds != (error == 0 ? 1 : 0))
		return false;
	if (slot->cancelled)
		return true;
	if (error == 0)
		fd = keep_fd(msg, 0);
	slot->done.connect(slot->arg, fd, to_error(error));
	return true;
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
		fds[i] = keep_fd(msg, i);
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

/* A positive errno value, whatever came. */
static int
to_error(uint32_t error)
{
	return error <= 4095 ? (int)error : EIO;
}
