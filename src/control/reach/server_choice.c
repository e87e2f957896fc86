/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/server_choice.h"

#include <bsd/stdlib.h>

void
server_choice_sort(const struct endpoint *list, unsigned n, unsigned *sorted)
{
	unsigned at[2] = { 0, 0 }, filled = 0;
	unsigned turn = 0; /* 0: IPv6's */

	while (filled < n) {
		sa_family_t family = turn == 0 ? AF_INET6 : AF_INET;

		while (at[turn] < n && list[at[turn]].sa.sa_family != family)
			at[turn]++;
		if (at[turn] < n)
			sorted[filled++] = at[turn]++;
		turn = 1 - turn;
	}
}

void
server_choice_order(const struct conf *conf, unsigned *order)
{
	unsigned n = conf->nservers, total = 0;

	for (unsigned i = 0; i < n; i++) {
		order[i] = i;
		total += conf->servers[i].weight;
	}
	for (unsigned i = 0; conf->server_order == CONF_ORDER_WEIGHT && i < n;
	    i++) {
		unsigned draw = arc4random_uniform(total), j = i, swap;

		while (draw >= conf->servers[order[j]].weight)
			draw -= conf->servers[order[j++]].weight;
		total -= conf->servers[order[j]].weight;
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
}
