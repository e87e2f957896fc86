/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/verifier.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <bsd/string.h>
#include <ev.h>

#include "base/nitems.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "keeper/auth_password.h"
#include "keeper/credentials.h"
#include "keeper/keeper.h"

struct job {
	STAILQ_ENTRY(job) entry;
	uint32_t id;
	bool	 known;
	char	 site[CONF_NAME_MAX + 1];
	size_t	 len;
	char	 password[AUTH_PASSWORD_MAX + 1];
	/* The verdict. */
	bool yes;
	int  error;
};

STAILQ_HEAD(jobs, job);

struct verifier {
	struct ev_loop *loop;
	int		dir_fd;
	verifier_done  *done;
	void	       *arg;
	struct ev_async news; /* something is finished */
	pthread_t	threads[KEEPER_WORKERS];
	unsigned	nthreads;

	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t	wake;
	struct jobs	waiting;
	struct jobs	finished;
	unsigned	nwaiting;
	bool		ending;
};

static void	  *work(void *arg);
static struct job *take_job(struct verifier *verifier);
static void	   judge(int dir_fd, struct job *job);
static void	   on_news(struct ev_loop *loop, struct ev_async *w, int what);
static void	   forget(struct jobs *jobs);

struct verifier *
verifier_new(struct ev_loop *loop, int dir_fd, verifier_done *done, void *arg)
{
	struct verifier *verifier = calloc(1, sizeof(*verifier));

	if (verifier == NULL)
		return NULL;
	verifier->loop = loop;
	verifier->dir_fd = dir_fd;
	verifier->done = done;
	verifier->arg = arg;
	STAILQ_INIT(&verifier->waiting);
	STAILQ_INIT(&verifier->finished);
	pthread_mutex_init(&verifier->lock, NULL);
	pthread_cond_init(&verifier->wake, NULL);
	ev_async_init(&verifier->news, on_news);
	ev_async_start(loop, &verifier->news);
	while (verifier->nthreads < nitems(verifier->threads)) {
		int r = pthread_create(&verifier->threads[verifier->nthreads],
		    NULL, work, verifier);

		if (r != 0) {
			verifier_free(verifier);
			errno = r;
			return NULL;
		}
		verifier->nthreads++;
	}
	return verifier;
}

void
verifier_free(struct verifier *verifier)
{
	if (verifier == NULL)
		return;
	pthread_mutex_lock(&verifier->lock);
	verifier->ending = true;
	pthread_cond_broadcast(&verifier->wake);
	pthread_mutex_unlock(&verifier->lock);
	for (unsigned i = 0; i < verifier->nthreads; i++)
		pthread_join(verifier->threads[i], NULL);
	ev_async_stop(verifier->loop, &verifier->news);
	forget(&verifier->waiting);
	forget(&verifier->finished);
	pthread_cond_destroy(&verifier->wake);
	pthread_mutex_destroy(&verifier->lock);
	free(verifier);
}

int
verifier_submit(struct verifier *verifier, uint32_t id, const char *site,
    bool known, const char *password, size_t len)
{
	struct job *job = calloc(1, sizeof(*job));
	int	    r = -EAGAIN;

	if (job == NULL)
		return -ENOMEM;
	job->id = id;
	job->known = known;
	strlcpy(job->site, site, sizeof(job->site));
	/* One that is too long stays empty, and is nobody's. */
	if (len <= AUTH_PASSWORD_MAX) {
		memcpy(job->password, password, len);
		job->len = len;
	}
	pthread_mutex_lock(&verifier->lock);
	if (verifier->nwaiting < KEEPER_MAX_QUEUE) {
		STAILQ_INSERT_TAIL(&verifier->waiting, job, entry);
		verifier->nwaiting++;
		pthread_cond_signal(&verifier->wake);
		job = NULL;
		r = 0;
	}
	pthread_mutex_unlock(&verifier->lock);
	secret_free(job, sizeof(*job));
	return r;
}

static void *
work(void *arg)
{
	struct verifier *verifier = arg;
	struct job	*job;

	while ((job = take_job(verifier)) != NULL) {
		judge(verifier->dir_fd, job);
		secret_wipe(job->password, sizeof(job->password));
		pthread_mutex_lock(&verifier->lock);
		STAILQ_INSERT_TAIL(&verifier->finished, job, entry);
		pthread_mutex_unlock(&verifier->lock);
		ev_async_send(verifier->loop, &verifier->news);
	}
	return NULL;
}

/* Waits for the next one; NULL when it is time to end. */
static struct job *
take_job(struct verifier *verifier)
{
	struct job *job = NULL;

	pthread_mutex_lock(&verifier->lock);
	while (!verifier->ending && STAILQ_EMPTY(&verifier->waiting))
		pthread_cond_wait(&verifier->wake, &verifier->lock);
	if (!verifier->ending) {
		job = STAILQ_FIRST(&verifier->waiting);
		STAILQ_REMOVE_HEAD(&verifier->waiting, entry);
		verifier->nwaiting--;
	}
	pthread_mutex_unlock(&verifier->lock);
	return job;
}

/* The file is looked for even when the answer is no: the same work for all. */
static void
judge(int dir_fd, struct job *job)
{
	char hash[AUTH_PASSWORD_HASH_SIZE];
	int  r = credentials_password_hash(dir_fd, job->site, hash,
	     sizeof(hash));
	bool usable = r == 0 && job->known;

	job->error = job->known ? r : 0;
	job->yes = auth_password_verify(usable ? hash : NULL, job->password,
	    job->len);
	secret_wipe(hash, sizeof(hash));
}

static void
on_news(struct ev_loop *loop, struct ev_async *w, int what)
{
	struct verifier *verifier = container_of(w, struct verifier, news);
	struct jobs	 ready = STAILQ_HEAD_INITIALIZER(ready);
	struct job	*job;

	(void)loop;
	(void)what;
	pthread_mutex_lock(&verifier->lock);
	STAILQ_CONCAT(&ready, &verifier->finished);
	pthread_mutex_unlock(&verifier->lock);
	while ((job = STAILQ_FIRST(&ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&ready, entry);
		verifier->done(verifier->arg, job->id, job->yes, job->site,
		    job->error);
		secret_free(job, sizeof(*job));
	}
}

static void
forget(struct jobs *jobs)
{
	struct job *job;

	while ((job = STAILQ_FIRST(jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(jobs, entry);
		secret_free(job, sizeof(*job));
	}
}
