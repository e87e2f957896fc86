/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/keeper.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bucket.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "keeper/credentials.h"
#include "keeper/verify.h"
#include "keeper/thread_pool.h"
#include "keeper/signer.h"
#include "keeper/srp.h"
#include "keeper/secret_store.h"
#include "proc/chan.h"
#include "proc/heap_warmup.h"
#include "proc/request.h"
#include "proc/sandbox.h"

#define MAX_KINDS 9

struct keeper {
	struct ev_loop	*loop;
	struct chan	 auth;
	struct ev_async	 sign_gone;
	struct signer	*signer;
	struct thread_pool	*quick, *slow;
	struct secret_store	 store;
	int		 dir_fd;
	struct bucket	 buckets[MAX_KINDS];
	uint64_t	 refused; /* because of the limit */
	struct log_limit complaints, limits;
};

/* HERE: answered at once by the main thread. */
enum where { HERE, QUICK, SLOW };

/*
 * The requests of the auth channel and their rate limits, which are above the
 * peaks of an engine that works correctly.
 */
static const struct permit {
	enum request type;
	enum where   where;
	size_t	     size, answer; /* of their structs */
	unsigned     burst;
	int64_t	     interval_us;
	verify_fn   *verify;
} permits[] = {
#define SIZE(name) sizeof(struct request_##name)
	{ REQUEST_VERIFY, SLOW, SIZE(verify), SIZE(verdict), 1024,
	    MONO_SEC / 200, verify_password },
	{ REQUEST_SRP_START, SLOW, SIZE(known), SIZE(srp_challenge), 1024,
	    MONO_SEC / 200, verify_srp_start },
	{ REQUEST_SRP_FINISH, SLOW, SIZE(srp_finish), SIZE(verdict), 1024,
	    MONO_SEC / 200, verify_srp_finish },
	{ REQUEST_RESUME, QUICK, SIZE(resume), SIZE(verdict), 4096,
	    MONO_SEC / 1000, verify_resume },
	{ REQUEST_VOUCHED, QUICK, SIZE(vouched), SIZE(verdict), 256,
	    MONO_SEC / 8, verify_voucher },
	{ REQUEST_PSK, QUICK, SIZE(binding), SIZE(psk), 4096, MONO_SEC / 1000,
	    verify_psk },
	{ REQUEST_SRP_ANSWER, SLOW, SIZE(srp_question), SIZE(srp_answer), 64,
	    MONO_SEC / 2, verify_srp_question },
	{ REQUEST_SECRET, HERE, 0, SIZE(secret), 64, MONO_SEC / 2, NULL },
	{ REQUEST_PROXY_LOGIN, HERE, 0, SIZE(secret), 64, MONO_SEC / 8, NULL },
#undef SIZE
};
static_assert(nitems(permits) <= MAX_KINDS, "a bucket for each");

static void confine(void);
static void on_request(struct chan *chan, struct chan_msg *msg);
static void on_auth_gone(struct chan *chan);
static const struct permit *find(uint16_t type);
static int  serve(struct keeper *keeper, const struct permit *permit,
     const struct chan_msg *msg);
static int  serve_secret(struct keeper *keeper, const struct chan_msg *msg);
static bool is_too_many(struct keeper *keeper, const struct permit *permit);
static int  refuse(struct keeper *keeper, const struct permit *permit,
     uint32_t id);
static void work(void *arg, struct thread_pool_job *job);
static void on_done(void *arg, const struct thread_pool_job *job);
static void on_signer_gone(void *arg);
static void on_sign_gone(struct ev_loop *loop, struct ev_async *w, int what);

int
keeper_main(void)
{
	/* Moves what version 0.1 wrote to keeper/, while we still may. */
	if (!secret_store_move(KEEPER_DIR_FD, KEEPER_STATE_FD))
		return 1;
	heap_warmup_settle();
	sandbox_files(PROC_KEEPER, KEEPER_DIR_FD, KEEPER_STATE_FD);
	return keeper_serve(PROC_CHAN_FD, PROC_CHAN_FD2, KEEPER_DIR_FD,
		   KEEPER_STATE_FD, KEEPER_VOUCHER_FD, confine) == 0 ?
	    0 :
	    1;
}

int
keeper_serve(int auth_fd, int sign_fd, int dir_fd, int state_fd,
    int voucher_fd, void (*settled)(void))
{
	struct keeper keeper = { .dir_fd = dir_fd };
	char	      why[512];
	int	      r = -ENOMEM;

	keeper.loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (keeper.loop == NULL) {
		log_warnx("cannot make an event loop");
		close(sign_fd);
		goto close_fds;
	}
	ev_async_init(&keeper.sign_gone, on_sign_gone);
	ev_async_start(keeper.loop, &keeper.sign_gone);
	srp_setup();
	if (!secret_store_open(&keeper.store, dir_fd, state_fd, voucher_fd, why,
		sizeof(why))) {
		log_warnx("%s", why);
		close(sign_fd);
		r = -EIO;
		goto stop_loop;
	}
	keeper.signer = signer_start(sign_fd, &keeper.store, on_signer_gone,
	    &keeper, why, sizeof(why));
	if (keeper.signer == NULL) {
		log_warnx("%s", why);
		r = -EIO;
		goto stop_loop;
	}
	keeper.quick = thread_pool_new(keeper.loop, 1, work, on_done, &keeper);
	if (keeper.quick != NULL)
		keeper.slow = thread_pool_new(keeper.loop, KEEPER_WORKERS, work,
		    on_done, &keeper);
	if (keeper.slow == NULL) {
		r = -errno;
		log_warn("cannot start the threads that verify");
		goto free_pools;
	}
	chan_open(&keeper.auth, keeper.loop, auth_fd, on_request, on_auth_gone,
	    &keeper);
	auth_fd = -1;
	if (settled != NULL)
		settled();
	ev_run(keeper.loop, 0);
	r = 0;

	chan_close(&keeper.auth);
free_pools:
	thread_pool_free(keeper.slow);
	thread_pool_free(keeper.quick);
	signer_stop(keeper.signer);
stop_loop:
	secret_store_close(&keeper.store);
	ev_async_stop(keeper.loop, &keeper.sign_gone);
	ev_loop_destroy(keeper.loop);
close_fds:
	if (auth_fd != -1)
		close(auth_fd);
	close(dir_fd);
	close(state_fd);
	return r;
}

static void
confine(void)
{
	sandbox_calls(PROC_KEEPER);
}

static void
on_request(struct chan *chan, struct chan_msg *msg)
{
	struct keeper	    *keeper = chan->arg;
	const struct permit *permit = find(msg->type);
	int		     r = -EBADMSG;

	if (permit != NULL && msg->len == permit->size)
		r = is_too_many(keeper, permit) ?
		    refuse(keeper, permit, msg->id) :
		    serve(keeper, permit, msg);
	if (r == 0)
		return;
	log_warnx("the engine's request %u: %s", msg->type, strerror(-r));
	ev_break(keeper->loop, EVBREAK_ALL);
}

static const struct permit *
find(uint16_t type)
{
	for (size_t i = 0; i < nitems(permits); i++) {
		if ((uint16_t)permits[i].type == type)
			return &permits[i];
	}
	return NULL;
}

static int
serve(struct keeper *keeper, const struct permit *permit,
    const struct chan_msg *msg)
{
	int r;

	if (permit->where == HERE)
		return serve_secret(keeper, msg);
	r = thread_pool_submit(permit->where == QUICK ? keeper->quick :
							keeper->slow,
	    msg->type, msg->id, msg->data, msg->len);
	/*
	 * An engine never has more under way than the queue holds, unless it is
	 * compromised.
	 */
	return r == -ENOMEM ? refuse(keeper, permit, msg->id) : r;
}

static bool
is_too_many(struct keeper *keeper, const struct permit *permit)
{
	struct mono now = mono_now();

	if (bucket_take(&keeper->buckets[permit - permits], permit->burst,
		permit->interval_us, now))
		return false;
	keeper->refused++;
	if (log_limit_allow(&keeper->limits, now.us, NULL))
		log_warnx("the engine asks too often (request %u): refused, "
			  "%llu so far", (unsigned)permit->type,
		    (unsigned long long)keeper->refused);
	return true;
}

/* Answers no, or an error, as for a wrong request. */
static int
refuse(struct keeper *keeper, const struct permit *permit, uint32_t id)
{
	union thread_pool_answer answer;
	int			 r;

	memset(&answer, 0, sizeof(answer));
	if (permit->answer != sizeof(struct request_verdict))
		answer.error = EAGAIN;
	r = chan_send(&keeper->auth, (uint16_t)permit->type, id, &answer,
	    permit->answer, NULL, 0);
	return r == -EPIPE ? 0 : r;
}

static int
serve_secret(struct keeper *keeper, const struct chan_msg *msg)
{
	struct request_secret answer = { .error = 0 };
	size_t		      len = 0;
	bool		      proxy = msg->type == REQUEST_PROXY_LOGIN;
	const char	     *name = proxy ? CREDENTIALS_PROXY :
					     CREDENTIALS_SECRET;
	int r = credentials_line(keeper->dir_fd, name, answer.text,
	    sizeof(answer.text), &len);

	if (r < 0 && !(proxy && r == -ENOENT))
		credentials_complain(keeper->dir_fd, name, r,
		    &keeper->complaints);
	answer.error = (uint32_t)-r;
	answer.len = (uint32_t)len;
	r = chan_send(&keeper->auth, msg->type, msg->id, &answer,
	    sizeof(answer), NULL, 0);
	secret_wipe(&answer, sizeof(answer));
	return r == -EPIPE ? 0 : r;
}

/* Called on a thread of the pool. */
static void
work(void *arg, struct thread_pool_job *job)
{
	const struct keeper *keeper = arg;

	job->error = find(job->type)->verify(&keeper->store, job) ?
	    0 :
	    -EBADMSG;
}

static void
on_done(void *arg, const struct thread_pool_job *job)
{
	struct keeper *keeper = arg;
	int	       r = job->error;

	if (job->file_error < 0)
		credentials_complain(keeper->dir_fd, job->file,
		    job->file_error, &keeper->complaints);
	if (r == 0)
		r = chan_send(&keeper->auth, job->type, job->id, &job->out,
		    find(job->type)->answer, NULL, 0);
	/* The engine is gone: on_auth_gone() follows. */
	if (r == 0 || r == -EPIPE)
		return;
	log_warnx("the engine's request %u: %s", job->type, strerror(-r));
	ev_break(keeper->loop, EVBREAK_ALL);
}

static void
on_auth_gone(struct chan *chan)
{
	struct keeper *keeper = chan->arg;

	ev_break(keeper->loop, EVBREAK_ALL);
}

/* Called on the signer's thread. */
static void
on_signer_gone(void *arg)
{
	struct keeper *keeper = arg;

	ev_async_send(keeper->loop, &keeper->sign_gone);
}

static void
on_sign_gone(struct ev_loop *loop, struct ev_async *w, int what)
{
	ev_break(loop, EVBREAK_ALL);
}
