/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listeners: the sockets that the daemon listens on as long as it runs: the
 * local socket, and the TCP and UDP ports of a hub.
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
