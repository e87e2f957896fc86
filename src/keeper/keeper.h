/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: the process that holds the secrets, and has no network access.
 *
 * It has two channels to the engine, a pipe with the monitor's key for
 * vouchers, and two directories as open descriptors: the configuration's
 * keeper/, which it only reads (credentials.h), and its own, where it writes
 * (secret_store.h). It opens nothing else.
 *
 * It has four kinds of threads, so that no request waits for slower ones: the
 * main thread passes requests on; one thread signs (a handshake waits for it);
 * KEEPER_WORKERS threads do hashes and arithmetic; and one thread does the
 * quick requests, so that a site can reconnect while unknown clients guess
 * passwords.  Each kind of request has a rate limit, because the engine may be
 * compromised.  The keeper ends when the engine closes a channel.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "proc/proc.h"

#define KEEPER_DIR_FD	  (PROC_CHAN_FD2 + 1)
#define KEEPER_VOUCHER_FD (PROC_CHAN_FD2 + 2)
#define KEEPER_STATE_FD	  (PROC_CHAN_FD2 + 3)
#define KEEPER_WORKERS	  2
#define KEEPER_MAX_QUEUE  256 /* requests waiting for a thread */

/* Runs the process with the descriptors above.  Returns the exit status. */
int keeper_main(void);

/*
 * The same with the caller's descriptors (consumed; voucher_fd may be -1).
 * Calls `settled`, unless it is NULL, when all threads are running.  Returns 0
 * when the engine is gone, or a negative errno value, logged.
 */
int keeper_serve(int auth_fd, int sign_fd, int dir_fd, int state_fd,
    int voucher_fd, void (*settled)(void));

#endif /* KEEPER_H */
