/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listening: what the daemon listens on, for as long as it lives: the local
 * socket, and a server's TCP and UDP ports.
 *
 * The descriptors are in the opening, of which every new engine gets copies.
 */
#ifndef LISTENING_H
#define LISTENING_H

#include <stdbool.h>

struct conf;
struct opening;

/* False after a line in the log; what was opened till then is to be closed. */
bool listening_open(const struct conf *conf, struct opening *opening);
/* And removes the local socket; whatever was not opened is skipped. */
void listening_close(const struct conf *conf, const struct opening *opening);

#endif /* LISTENING_H */
