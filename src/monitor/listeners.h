/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listeners: what the daemon listens on, for as long as it lives: the local
 * socket, and a server's TCP and UDP ports.
 *
 * The descriptors are in the startup, of which every new engine gets copies.
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <stdbool.h>

struct conf;
struct startup_send;

/* False after a line in the log; what was opened till then is to be closed. */
bool listeners_open(const struct conf *conf, struct startup_send *startup);
/* And removes the local socket; whatever was not opened is skipped. */
void listeners_close(const struct conf *conf,
    const struct startup_send *startup);

#endif /* LISTENERS_H */
