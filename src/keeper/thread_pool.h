/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thread_pool: threads that do slow work in order, and return the results.
 *
 * A bounded queue (KEEPER_MAX_QUEUE), and its threads.  The work is a function
 * from a request to its answer (verify.h). The memory of each job is wiped when
 * it is done.
 */
#ifndef THREAD_POOL_H
#define THREAD_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "keeper/credentials.h"
#include "proc/request.h"

#define THREAD_POOL_MAX_THREADS 4

struct ev_loop;
struct thread_pool;

union thread_pool_ask {
	struct request_verify	    verify;
	struct request_known	    srp_start;
	struct request_srp_finish   srp_finish;
	struct request_resume	    resume;
	struct request_vouched	    vouched;
	struct request_srp_question srp_question;
	struct request_binding	    psk;
};

union thread_pool_answer {
	uint32_t		     error; /* of those answers that have one */
	struct request_verdict	     verdict;
	struct request_srp_challenge challenge;
	struct request_srp_answer    srp_answer;
	struct request_psk	     psk;
};

struct thread_pool_job {
	uint16_t type;
	uint32_t id;
	union thread_pool_ask	 in;
	union thread_pool_answer out; /* zeroed before the work starts */
	/* 0, or a negative errno value: the request itself is malformed. */
	int error;
	/* For the log: a file that is not usable; 0: none. */
	int  file_error;
	char file[CREDENTIALS_NAME_MAX];
};

/*
 * `work` runs on a thread, `done` later in the loop; `job` is borrowed.  NULL
 * on failure (errno is set).
 */
struct thread_pool *thread_pool_new(struct ev_loop *loop, unsigned nthreads,
    void (*work)(void *arg, struct thread_pool_job *job),
    void (*done)(void *arg, const struct thread_pool_job *job), void *arg);
/* Waits for the jobs under way; the others are discarded. */
void thread_pool_free(struct thread_pool *pool);

/* `in` is copied.  0, -EAGAIN: the queue is full, -EMSGSIZE, -ENOMEM. */
int thread_pool_submit(struct thread_pool *pool, uint16_t type, uint32_t id,
    const void *in, size_t len);

#endif /* THREAD_POOL_H */
