/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: the process that holds what must not leak, and sees no network.
 *
 * It has two channels to the engine, a pipe with the monitor's key for vouchers,
 * and two directories as open descriptors: keeper/ of the configuration, which it
 * only reads (credentials.h), and its own, where it writes (secret_store.h). 
 * Beyond
 * these it opens nothing.
 *
 * Four kinds of thread, so that nothing waits for the wrong thing: the main
 * one moves requests, one signs (a handshake waits for it), KEEPER_WORKERS hash
 * and do arithmetic, and one does what takes neither, so that a site comes back
 * while unknown clients guess.  How often each request may come is limited: the
 * engine may be somebody else's.  It ends when the engine closes a channel.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "proc/proc.h"

#define KEEPER_DIR_FD	  (PROC_CHAN_FD2 + 1)
#define KEEPER_VOUCHER_FD (PROC_CHAN_FD2 + 2)
#define KEEPER_STATE_FD	  (PROC_CHAN_FD2 + 3)
#define KEEPER_WORKERS	  2
#define KEEPER_MAX_QUEUE  256 /* requests that wait for a thread */

/* The process, with the descriptors above.  Exit status. */
int keeper_main(void);

/*
 * The same with descriptors of the caller's choice (consumed; voucher_fd may be
 * -1); `settled`, unless it is NULL, is called when all threads are up.  0 when
 * the engine is gone, or a negative errno value, logged.
 */
int keeper_serve(int auth_fd, int sign_fd, int dir_fd, int state_fd,
    int voucher_fd, void (*settled)(void));

#endif /* KEEPER_H */
