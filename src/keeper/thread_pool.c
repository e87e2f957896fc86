/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/thread_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <ev.h>

#include "base/nitems.h"
#include "base/secret.h"
#include "keeper/keeper.h"

struct job {
	STAILQ_ENTRY(job) entry;
	struct thread_pool_job	  job;
};

STAILQ_HEAD(jobs, job);

struct thread_pool {
	struct ev_loop *loop;
	void (*work)(void *arg, struct thread_pool_job *job);
	void (*done)(void *arg, const struct thread_pool_job *job);
	void	       *arg;
	struct ev_async news; /* a job is finished */
	pthread_t	threads[THREAD_POOL_MAX_THREADS];
	unsigned	nthreads;

	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t	wake;
	struct jobs	waiting;
	struct jobs	finished;
	unsigned	nwaiting;
	bool		ending;
};

static void	  *run(void *arg);
static struct job *take_job(struct thread_pool *pool);
static void	   on_news(struct ev_loop *loop, struct ev_async *w, int what);
static void	   forget(struct jobs *jobs);

struct thread_pool *
thread_pool_new(struct ev_loop *loop, unsigned nthreads,
    void (*work)(void *arg, struct thread_pool_job *job),
    void (*done)(void *arg, const struct thread_pool_job *job), void *arg)
{
	struct thread_pool *pool = calloc(1, sizeof(*pool));

	assert(nthreads <= THREAD_POOL_MAX_THREADS);
	if (pool == NULL)
		return NULL;
	pool->loop = loop;
	pool->work = work;
	pool->done = done;
	pool->arg = arg;
	STAILQ_INIT(&pool->waiting);
	STAILQ_INIT(&pool->finished);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	ev_async_init(&pool->news, on_news);
	ev_async_start(loop, &pool->news);
	while (pool->nthreads < nthreads) {
		int r = pthread_create(&pool->threads[pool->nthreads],
		    NULL, run, pool);

		if (r != 0) {
			thread_pool_free(pool);
			errno = r;
			return NULL;
		}
		pool->nthreads++;
	}
	return pool;
}

void
thread_pool_free(struct thread_pool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->nthreads; i++)
		pthread_join(pool->threads[i], NULL);
	ev_async_stop(pool->loop, &pool->news);
	forget(&pool->waiting);
	forget(&pool->finished);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

int
thread_pool_submit(struct thread_pool *pool, uint16_t type, uint32_t id,
    const void *in, size_t len)
{
	struct job *job;
	int	    r = -EAGAIN;

	if (len > sizeof(job->job.in))
		return -EMSGSIZE;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	job->job.type = type;
	job->job.id = id;
	memcpy(&job->job.in, in, len);
	pthread_mutex_lock(&pool->lock);
	if (pool->nwaiting < KEEPER_MAX_QUEUE) {
		STAILQ_INSERT_TAIL(&pool->waiting, job, entry);
		pool->nwaiting++;
		pthread_cond_signal(&pool->wake);
		job = NULL;
		r = 0;
	}
	pthread_mutex_unlock(&pool->lock);
	secret_free(job, sizeof(*job));
	return r;
}

static void *
run(void *arg)
{
	struct thread_pool *pool = arg;
	struct job  *job;

	while ((job = take_job(pool)) != NULL) {
		pool->work(pool->arg, &job->job);
		secret_wipe(&job->job.in, sizeof(job->job.in));
		pthread_mutex_lock(&pool->lock);
		STAILQ_INSERT_TAIL(&pool->finished, job, entry);
		pthread_mutex_unlock(&pool->lock);
		ev_async_send(pool->loop, &pool->news);
	}
	return NULL;
}

/* Waits for the next job; NULL: end the thread. */
static struct job *
take_job(struct thread_pool *pool)
{
	struct job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	while (!pool->ending && STAILQ_EMPTY(&pool->waiting))
		pthread_cond_wait(&pool->wake, &pool->lock);
	if (!pool->ending) {
		job = STAILQ_FIRST(&pool->waiting);
		STAILQ_REMOVE_HEAD(&pool->waiting, entry);
		pool->nwaiting--;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void
on_news(struct ev_loop *loop, struct ev_async *w, int what)
{
	struct thread_pool *pool = container_of(w, struct thread_pool, news);
	struct jobs	 ready = STAILQ_HEAD_INITIALIZER(ready);
	struct job	*job;

	pthread_mutex_lock(&pool->lock);
	STAILQ_CONCAT(&ready, &pool->finished);
	pthread_mutex_unlock(&pool->lock);
	while ((job = STAILQ_FIRST(&ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&ready, entry);
		pool->done(pool->arg, &job->job);
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
