/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: the process that holds what must not leak, and sees no network.
 *
 * It has two channels to the engine, and the directory keeper/ of the
 * configuration as an open descriptor: server.key, sites/NAME.password
 * (server), password (client).  Beyond that directory it opens nothing.
 *
 * Three kinds of thread, so that nothing waits for the wrong thing: the main
 * one moves requests, one signs (a handshake waits for it), and KEEPER_WORKERS
 * hash passwords.  It ends when the engine closes a channel.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "proc/proc.h"

#define KEEPER_DIR_FD	 (PROC_CHAN_FD2 + 1)
#define KEEPER_WORKERS	 2
#define KEEPER_MAX_QUEUE 256 /* passwords that wait for a worker */

/* The process: PROC_CHAN_FD, PROC_CHAN_FD2, KEEPER_DIR_FD.  Exit status. */
int keeper_main(void);

/*
 * The same with descriptors of the caller's choice (consumed).  Returns 0 when
 * the engine is gone, or a negative errno value, logged.
 */
int keeper_serve(int auth_fd, int sign_fd, int dir_fd);

#endif /* KEEPER_H */
