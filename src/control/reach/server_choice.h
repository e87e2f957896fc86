/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_choice: in which order servers, and the addresses of one, are tried.
 *
 * Pure, but for the lots that are drawn.
 */
#ifndef SERVER_CHOICE_H
#define SERVER_CHOICE_H

#include "base/addr.h"
#include "conf/conf.h"

/*
 * Into `sorted` (`n` places): where in `list` the first, the second... is.
 * IPv6 first, the families in turn (RFC 8305 4), each in the list's order.
 */
void server_choice_sort(const struct endpoint *list, unsigned n,
    unsigned *sorted);

/* Into `order` (conf->nservers places): the servers, as server-order says. */
void server_choice_order(const struct conf *conf, unsigned *order);

#endif /* SERVER_CHOICE_H */
