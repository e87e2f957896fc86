/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify: what the keeper answers to the slow ones of the engine's requests
 * (proc/request.h): passwords, SRP, tokens.
 *
 * From the bytes of a request to those of its answer; runs on a thread of the
 * pool.  What depends on whether a site is known takes the same way whether it
 * is or not.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "keeper/thread_pool.h"

struct secret_store;

#define VERIFY_MAX_LIFETIME_SEC (30 * 86400) /* of a token, whoever asks */

/* Sets job->out, error and file; `vault` is only read. */
void judge(const struct secret_store *vault, struct thread_pool_job *job);

#endif /* VERIFY_H */
