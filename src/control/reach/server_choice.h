/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_choice: the order in which servers, and the addresses of one, are
 * tried.
 *
 * Pure, except for random numbers.
 */
#ifndef SERVER_CHOICE_H
#define SERVER_CHOICE_H

#include "base/addr.h"
#include "conf/conf.h"

/*
 * Fills `sorted` (`n` places) with indices of `list` in the order to try: IPv6
 * first, then alternating families (RFC 8305 4), each in the list's order.
 */
void server_choice_sort(const struct endpoint *list, unsigned n,
    unsigned *sorted);

/* Fills `order` (conf->nservers places) as server-order says. */
void server_choice_order(const struct conf *conf, unsigned *order);

#endif /* SERVER_CHOICE_H */
