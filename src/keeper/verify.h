/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify: what the keeper answers to the slow ones of the engine's requests
 * (proc/request.h): passwords, SRP, tokens.
 *
 * Each runs on a thread of the pool.  What depends on whether a site is known
 * takes the same way whether it is or not.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>

#include "keeper/thread_pool.h"

struct secret_store;

#define VERIFY_MAX_LIFETIME_SEC (30 * 86400) /* of a token, whoever asks */

/*
 * From its member of job->in, which has the right size, to that of job->out;
 * sets job->file, too.  False: the request is malformed.  The store is only read.
 */
typedef bool verify_fn(const struct secret_store *store,
    struct thread_pool_job *job);

verify_fn verify_password, verify_srp_start, verify_srp_finish, verify_resume,
    verify_voucher, verify_psk, verify_srp_question;

#endif /* VERIFY_H */
