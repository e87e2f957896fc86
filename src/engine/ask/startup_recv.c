/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/startup_recv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nitems.h"

#define TIMEOUT_MS 30000 /* between two requests */

struct gift_step {
	enum request type;
	unsigned     min_fds, max_fds;
	int (*take)(struct startup_recv *gift, struct chan_msg *msg);
};

static int  take_step(struct startup_recv *gift, struct chan_msg *msg,
    uint16_t *last);
static int  take_conf(struct startup_recv *gift, struct chan_msg *msg);
static int  take_material(struct startup_recv *gift, struct chan_msg *msg);
static int  take_device(struct startup_recv *gift, struct chan_msg *msg);
static int  take_listen(struct startup_recv *gift, struct chan_msg *msg);
static int  take_udp(struct startup_recv *gift, struct chan_msg *msg);
static int  take_admin(struct startup_recv *gift, struct chan_msg *msg);
static int  take_keeper(struct startup_recv *gift, struct chan_msg *msg);
static int  take_start(struct startup_recv *gift, struct chan_msg *msg);
static int  add_piece(struct startup_recv_pieces *pieces, const uint8_t *data,
    size_t n,
     size_t max);
static bool gift_is_complete(const struct startup_recv *gift);
static void say_complaint(void *arg, const char *text);

static const struct gift_step steps[] = {
	{ REQUEST_CONF,	    0, 0,		 take_conf },
	{ REQUEST_MATERIAL, 0, 0,		 take_material },
	{ REQUEST_DEVICE,   1, CONF_MAX_WORKERS, take_device },
	{ REQUEST_LISTEN,   1, CONF_MAX_LISTENS, take_listen },
	{ REQUEST_UDP,	    1, CONF_MAX_WORKERS, take_udp },
	{ REQUEST_ADMIN,    1, 1,		 take_admin },
	{ REQUEST_KEEPER,   2, 2,		 take_keeper },
	{ REQUEST_START,    1, 1,		 take_start },
};

static const struct startup_recv nothing = {
	.admin = -1,
	.keeper_auth = -1,
	.keeper_sign = -1,
	.totals = -1,
};

int
startup_recv_receive(int fd, struct startup_recv *gift)
{
	struct chan_msg msg;
	uint8_t	       *buf = malloc(CHAN_MAX_PAYLOAD);
	uint16_t	last = 0;
	int		r = buf != NULL ? 0 : -ENOMEM;

	*gift = nothing;
	while (r == 0 && last != REQUEST_START) {
		r = chan_recv_fd(fd, &msg, buf, TIMEOUT_MS);
		if (r < 0)
			break;
		r = take_step(gift, &msg, &last);
		chan_msg_close_fds(&msg);
	}
	if (r == 0 && !gift_is_complete(gift))
		r = -EBADMSG;
	if (r < 0)
		startup_recv_free(gift);
	free(buf);
	return r;
}

void
startup_recv_free(struct startup_recv *gift)
{
	const int singles[] = { gift->admin, gift->keeper_auth,
		gift->keeper_sign, gift->totals };

	for (unsigned i = 0; i < gift->nqueues; i++)
		close(gift->queues[i]);
	for (unsigned i = 0; i < gift->nlisteners; i++)
		close(gift->listeners[i]);
	for (unsigned i = 0; i < gift->nudp; i++)
		close(gift->udp[i]);
	for (size_t i = 0; i < nitems(singles); i++) {
		if (singles[i] != -1)
			close(singles[i]);
	}
	conf_free(gift->conf);
	for (size_t i = 0; i < nitems(gift->material); i++)
		free(gift->material[i].text);
	startup_recv_pieces_clear(&gift->conf_pieces);
	startup_recv_pieces_clear(&gift->next.pieces);
	*gift = nothing;
}

static int
take_step(struct startup_recv *gift, struct chan_msg *msg, uint16_t *last)
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
		gift->conf == NULL || *last > msg->type ||
		(*last == msg->type && step->type != REQUEST_MATERIAL &&
		    step->type != REQUEST_UDP))
		return -EBADMSG;
	*last = msg->type;
	return step->take(gift, msg);
}

static int
take_conf(struct startup_recv *gift, struct chan_msg *msg)
{
	int r = startup_recv_pieces_add(&gift->conf_pieces, msg);

	if (r < 0 || !gift->conf_pieces.done)
		return r;
	return startup_recv_pieces_parse(&gift->conf_pieces, &gift->conf);
}

/* One of each kind; they come in any order among themselves. */
static int
take_material(struct startup_recv *gift, struct chan_msg *msg)
{
	struct startup_recv_material *material = &gift->next;
	int		      r = startup_recv_take_material(material, msg);

	if (r < 0 || material->text.text == NULL)
		return r;
	if (material->trouble || gift->material[material->kind].text != NULL) {
		free(material->text.text);
		return -EBADMSG;
	}
	gift->material[material->kind] = material->text;
	return 0;
}

int
startup_recv_take_material(struct startup_recv_material *material,
    const struct chan_msg *msg)
{
	struct startup_recv_pieces *pieces = &material->pieces;
	struct wire_reader  reader;
	uint8_t		    kind, flags;
	uint32_t	    number;
	size_t		    len;
	int		    r;

	wire_reader_init(&reader, msg->data, msg->len);
	kind = wire_get_u8(&reader);
	flags = wire_get_u8(&reader);
	number = wire_get_u32(&reader);
	len = wire_left(&reader);
	if (!wire_is_ok(&reader) || kind >= REQUEST_MATERIALS || flags > 3 ||
	    memchr(msg->data + msg->len - len, '\0', len) != NULL ||
	    (pieces->text != NULL && material->kind != kind))
		return -EBADMSG;
	material->kind = (enum request_material)kind;
	material->text = (struct startup_recv_text) { 0 };
	r = add_piece(pieces, wire_get_view(&reader, len), len,
	    REQUEST_MAX_MATERIAL);
	if (r < 0 || (flags & 1) == 0)
		return r;
	material->trouble = (flags & 2) != 0;
	material->text = (struct startup_recv_text) { pieces->text, pieces->len,
		number };
	*pieces = (struct startup_recv_pieces) { 0 };
	return 0;
}

static int
take_device(struct startup_recv *gift, struct chan_msg *msg)
{
	struct wire_reader r;

	wire_reader_init(&r, msg->data, msg->len);
	wire_get_string(&r, gift->device, sizeof(gift->device));
	gift->ifindex = wire_get_u32(&r);
	gift->mtu = wire_get_u32(&r);
	wire_get_bytes(&r, gift->mac, sizeof(gift->mac));
	gift->offloads = wire_get_u32(&r);
	if (!wire_is_done(&r))
		return -EBADMSG;
	for (unsigned i = 0; i < msg->nfds; i++)
		gift->queues[gift->nqueues++] = startup_recv_keep_fd(msg, i);
	return 0;
}

static int
take_listen(struct startup_recv *gift, struct chan_msg *msg)
{
	for (unsigned i = 0; i < msg->nfds; i++)
		gift->listeners[gift->nlisteners++] = startup_recv_keep_fd(msg,
		    i);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_udp(struct startup_recv *gift, struct chan_msg *msg)
{
	if (gift->nudp + msg->nfds > nitems(gift->udp))
		return -EBADMSG;
	for (unsigned i = 0; i < msg->nfds; i++)
		gift->udp[gift->nudp++] = startup_recv_keep_fd(msg, i);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_admin(struct startup_recv *gift, struct chan_msg *msg)
{
	gift->admin = startup_recv_keep_fd(msg, 0);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_keeper(struct startup_recv *gift, struct chan_msg *msg)
{
	gift->keeper_auth = startup_recv_keep_fd(msg, 0);
	gift->keeper_sign = startup_recv_keep_fd(msg, 1);
	return msg->len == 0 ? 0 : -EBADMSG;
}

static int
take_start(struct startup_recv *gift, struct chan_msg *msg)
{
	struct wire_reader r;

	wire_reader_init(&r, msg->data, msg->len);
	wire_get_string(&r, gift->version, sizeof(gift->version));
	gift->restarts = wire_get_u32(&r);
	gift->good_time = (time_t)wire_get_u64(&r);
	gift->totals = startup_recv_keep_fd(msg, 0);
	return wire_is_done(&r) ? 0 : -EBADMSG;
}

static bool
gift_is_complete(const struct startup_recv *gift)
{
	bool server = gift->conf != NULL && gift->conf->role == CONF_SERVER;

	return gift->conf != NULL &&
	    server != (gift->material[REQUEST_MATERIAL_CA].len > 0) &&
	    gift->nqueues > 0 &&
	    server == (gift->nlisteners > 0) &&
	    gift->nudp == gift->nlisteners * gift->nqueues;
}

bool
startup_recv_text_is_same(const struct startup_recv_text *a,
    const struct startup_recv_text *b)
{
	return a->text != NULL && b->text != NULL && a->len == b->len &&
	    memcmp(a->text, b->text, a->len) == 0;
}

int
startup_recv_keep_fd(struct chan_msg *msg, unsigned i)
{
	int fd = msg->fds[i];

	msg->fds[i] = -1;
	return fd;
}

int
startup_recv_pieces_add(struct startup_recv_pieces *pieces,
    const struct chan_msg *msg)
{
	if (msg->len < 1 || msg->data[0] > 1)
		return -EBADMSG;
	pieces->done = msg->data[0] == 1;
	return add_piece(pieces, msg->data + 1, msg->len - 1,
	    STARTUP_RECV_MAX_CONF);
}

static int
add_piece(struct startup_recv_pieces *pieces, const uint8_t *data, size_t n,
    size_t max)
{
	char *text;

	if (n > max - pieces->len)
		return -EFBIG;
	text = realloc(pieces->text, pieces->len + n + 1);
	if (text == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(text + pieces->len, data, n);
	pieces->text = text;
	pieces->len += n;
	pieces->text[pieces->len] = '\0';
	return 0;
}

int
startup_recv_pieces_parse(struct startup_recv_pieces *pieces,
    struct conf **conf)
{
	struct conf_errors errors = { .say = say_complaint };

	/* No directory: this process has no files. */
	*conf = conf_parse_text(pieces->text, pieces->len, CONF_FILE, "/",
	    &errors);
	startup_recv_pieces_clear(pieces);
	return *conf != NULL ? 0 : -EINVAL;
}

void
startup_recv_pieces_clear(struct startup_recv_pieces *pieces)
{
	free(pieces->text);
	*pieces = (struct startup_recv_pieces) { 0 };
}

static void
say_complaint(void *arg, const char *text)
{
	(void)arg;
	log_warnx("%s", text);
}
