/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wait: for what the daemon does in its own time.
 */
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

/* A moment, for a loop that looks again. */
void wait_pause(void);

/*
 * Until `status` at that local socket says that frames pass, at most so many
 * seconds, and as long as the child `pid` lives (0: there is none).
 */
bool wait_until_up(const char *socket, unsigned seconds, pid_t pid);

/*
 * Whether an answer to `status` says that frames pass.  Of a client that is
 * adrift nobody knows: its server may have died with the connection.
 */
bool wait_is_up(const json_t *answer);

#endif /* WAIT_H */
