/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify: answers the slow ones of the engine's requests (proc/request.h):
 * passwords, SRP, tokens.
 *
 * Each runs on a thread of the pool.  Known and unknown sites take the same
 * path.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>

#include "keeper/thread_pool.h"

struct secret_store;

#define VERIFY_MAX_LIFETIME_SEC (30 * 86400) /* the limit for any token */

/*
 * Reads its member of job->in, which has the right size, and writes that of
 * job->out; also sets job->file.  False: the request is malformed.  The store
 * is only read.
 */
typedef bool verify_fn(const struct secret_store *store,
    struct thread_pool_job *job);

verify_fn verify_password, verify_srp_start, verify_srp_finish, verify_resume,
    verify_voucher, verify_psk, verify_srp_question;

#endif /* VERIFY_H */
