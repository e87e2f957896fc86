/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge: what the keeper answers to the slow ones of the engine's requests
 * (proc/request.h): passwords, SRP, tokens.
 *
 * From the bytes of a request to those of its answer; runs on a thread of the
 * pool.  What depends on whether a site is known takes the same way whether it
 * is or not.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "keeper/pool.h"

struct vault;

#define JUDGE_MAX_LIFETIME_SEC (30 * 86400) /* of a token, whoever asks */

/* Sets job->out, error and file; `vault` is only read. */
void judge(const struct vault *vault, struct pool_job *job);

#endif /* JUDGE_H */
