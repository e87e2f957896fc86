/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait: waits for the daemon. */
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

/* Sleeps for a moment, for loops that poll. */
void wait_pause(void);

/*
 * Waits until `status` at that local socket says that frames pass, at most
 * `seconds`, and only while the child `pid` lives (0: none).
 */
bool wait_until_up(const char *socket, unsigned seconds, pid_t pid);

/*
 * True if an answer to `status` says that frames pass.  A client that is adrift
 * is not up: its server may have died with the connection.
 */
bool wait_is_up(const json_t *answer);

#endif /* WAIT_H */
