/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables: what nat.c and wall.c share of libnftables.
 *
 * The netlink socket in a context owns the tables that it made with "flags
 * owner": nobody else can change or flush them, and they go with the context,
 * or with the process.
 */
#ifndef NFTABLES_H
#define NFTABLES_H

#include <stdio.h>

#include <nftables/libnftables.h>

struct prefix_set;

/* Free it by nft_ctx_free(); NULL when there is no memory or no netlink. */
struct nft_ctx *nftables_open(void);

/*
 * One transaction: all of it or nothing.  0 or -EIO; libnftables has no error
 * number, only words: they go to the log, after `what` (NULL: nowhere).
 */
int nftables_run(struct nft_ctx *ctx, const char *what, const char *text);

/* Sets NAME4 and NAME6; `set` is sorted and merged. */
void nftables_print_prefixes(FILE *out, const char *name,
    const struct prefix_set *set);

#endif /* NFTABLES_H */
