/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/keeper.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "base/wire.h"
#include "conf/conf.h"
#include "keeper/credentials.h"
#include "keeper/signer.h"
#include "keeper/verifier.h"
#include "proc/chan.h"
#include "proc/request.h"

struct keeper {
	struct ev_loop	*loop;
	struct chan	 auth;
	struct ev_async	 sign_gone;
	struct signer	*signer;
	struct verifier *verifier;
	int		 dir_fd;
	struct log_limit complaints;
};

static int  serve_verify(struct keeper *keeper, const struct chan_msg *msg);
static int  serve_secret(struct keeper *keeper, const struct chan_msg *msg);

/* What may be asked on the auth channel; all of it at any time. */
static const struct {
	enum request type;
	/* 0, or a negative errno value: then the engine is broken. */
	int (*serve)(struct keeper *keeper, const struct chan_msg *msg);
} requests[] = {
	{ REQUEST_VERIFY, serve_verify },
	{ REQUEST_SECRET, serve_secret },
};

static void on_request(struct chan *chan, struct chan_msg *msg);
static void on_auth_gone(struct chan *chan);
static void on_verdict(void *arg, uint32_t id, bool yes, const char *site,
    int error);
static void on_signer_gone(void *arg);
static void on_sign_gone(struct ev_loop *loop, struct ev_async *w, int what);
static int  answer_verdict(struct keeper *keeper, uint32_t id, bool yes);
static void complain(struct keeper *keeper, const char *name, int error);

int
keeper_main(void)
{
	return keeper_serve(PROC_CHAN_FD, PROC_CHAN_FD2, KEEPER_DIR_FD) == 0 ?
	    0 :
	    1;
}

int
keeper_serve(int auth_fd, int sign_fd, int dir_fd)
{
	struct keeper keeper = { .dir_fd = dir_fd };
	char	      why[512];
	int	      r = -ENOMEM;

	keeper.loop = ev_loop_new(EVFLAG_AUTO);
	if (keeper.loop == NULL) {
		log_warnx("cannot make an event loop");
		close(sign_fd);
		goto close_fds;
	}
	ev_async_init(&keeper.sign_gone, on_sign_gone);
	ev_async_start(keeper.loop, &keeper.sign_gone);
	keeper.signer = signer_start(sign_fd, dir_fd, on_signer_gone, &keeper,
	    why, sizeof(why));
	if (keeper.signer == NULL) {
		log_warnx("%s", why);
		r = -EIO;
		goto stop_loop;
	}
	keeper.verifier = verifier_new(keeper.loop, dir_fd, on_verdict, &keeper);
	if (keeper.verifier == NULL) {
		r = -errno;
		log_warn("cannot start the threads that hash passwords");
		goto stop_signer;
	}
	chan_open(&keeper.auth, keeper.loop, auth_fd, on_request, on_auth_gone,
	    &keeper);
	auth_fd = -1;
	ev_run(keeper.loop, 0);
	r = 0;

	chan_close(&keeper.auth);
	verifier_free(keeper.verifier);
stop_signer:
	signer_stop(keeper.signer);
stop_loop:
	ev_async_stop(keeper.loop, &keeper.sign_gone);
	ev_loop_destroy(keeper.loop);
close_fds:
	if (auth_fd != -1)
		close(auth_fd);
	close(dir_fd);
	return r;
}

static void
on_request(struct chan *chan, struct chan_msg *msg)
{
	struct keeper *keeper = chan->arg;
	int	       r = -EBADMSG;

	for (size_t i = 0; i < nitems(requests); i++) {
		if (msg->type == requests[i].type)
			r = requests[i].serve(keeper, msg);
	}
	if (r == 0)
		return;
	log_warnx("the engine's request %u: %s", msg->type, strerror(-r));
	ev_break(keeper->loop, EVBREAK_ALL);
}

static int
serve_verify(struct keeper *keeper, const struct chan_msg *msg)
{
	struct wire_reader reader;
	char		   site[CONF_NAME_MAX + 1];
	uint8_t		   known;
	size_t		   len;
	int		   r;

	wire_reader_init(&reader, msg->data, msg->len);
	wire_get_string(&reader, site, sizeof(site));
	known = wire_get_u8(&reader);
	if (!wire_is_ok(&reader) || known > 1)
		return -EBADMSG;
	len = wire_left(&reader);
	if (len > REQUEST_MAX_PASSWORD)
		return -EBADMSG;
	r = verifier_submit(keeper->verifier, msg->id, site, known == 1,
	    (const char *)wire_get_view(&reader, len), len);
	/* The engine has no more than fit under way: this one is not at peace. */
	return r == -ENOMEM ? answer_verdict(keeper, msg->id, false) : r;
}

static int
serve_secret(struct keeper *keeper, const struct chan_msg *msg)
{
	struct wire_writer writer;
	char		   secret[REQUEST_MAX_PASSWORD + 1];
	uint8_t		   answer[4 + REQUEST_MAX_PASSWORD];
	size_t		   len = 0;
	int		   r;

	if (msg->len != 0)
		return -EBADMSG;
	r = credentials_secret(keeper->dir_fd, secret, sizeof(secret), &len);
	if (r < 0)
		complain(keeper, CREDENTIALS_SECRET, r);
	wire_writer_init(&writer, answer, sizeof(answer));
	wire_put_u32(&writer, (uint32_t)-r);
	wire_put_bytes(&writer, secret, len);
	r = chan_send(&keeper->auth, REQUEST_SECRET, msg->id, answer,
	    writer.len, NULL, 0);
	secret_wipe(secret, sizeof(secret));
	secret_wipe(answer, sizeof(answer));
	return r == -EPIPE ? 0 : r;
}

static void
on_verdict(void *arg, uint32_t id, bool yes, const char *site, int error)
{
	struct keeper *keeper = arg;
	char	       name[CREDENTIALS_NAME_MAX];

	if (error < 0 &&
	    credentials_password_name(site, name, sizeof(name)))
		complain(keeper, name, error);
	if (answer_verdict(keeper, id, yes) == 0)
		return;
	log_warnx("the engine does not take its answers");
	ev_break(keeper->loop, EVBREAK_ALL);
}

static int
answer_verdict(struct keeper *keeper, uint32_t id, bool yes)
{
	uint8_t answer = yes ? 1 : 0;
	int	r = chan_send(&keeper->auth, REQUEST_VERIFY, id, &answer,
		  sizeof(answer), NULL, 0);

	/* Gone: on_auth_gone() is about to be called. */
	return r == -EPIPE ? 0 : r;
}

static void
on_auth_gone(struct chan *chan)
{
	struct keeper *keeper = chan->arg;

	ev_break(keeper->loop, EVBREAK_ALL);
}

/* On the signer's thread. */
static void
on_signer_gone(void *arg)
{
	struct keeper *keeper = arg;

	ev_async_send(keeper->loop, &keeper->sign_gone);
}

static void
on_sign_gone(struct ev_loop *loop, struct ev_async *w, int what)
{
	(void)w;
	(void)what;
	ev_break(loop, EVBREAK_ALL);
}

/* A stranger who knows a site's name causes these: limited. */
static void
complain(struct keeper *keeper, const char *name, int error)
{
	uint64_t swallowed;
	char	 text[512];

	if (!log_limit_allow(&keeper->complaints, mono_now().us, &swallowed))
		return;
	log_warnx("%s", credentials_explain(keeper->dir_fd, name, error, text,
	    sizeof(text)));
}
