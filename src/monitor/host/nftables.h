/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables: functions for libnftables that nat.c and wall.c share.
 *
 * The netlink socket in a context owns the tables that it created with "flags
 * owner": no other program can change or flush them, and the kernel removes
 * them with the context or the process.
 */
#ifndef NFTABLES_H
#define NFTABLES_H

#include <stdio.h>

#include <nftables/libnftables.h>

struct prefix_set;

/*
 * To be freed with nft_ctx_free().  NULL: out of memory, or netlink cannot be
 * opened.
 */
struct nft_ctx *nftables_open(void);

/*
 * Runs the commands in one transaction, all or none. 0 or -EIO; libnftables has
 * only messages, no error numbers.  They are logged after `what` (NULL: not
 * logged).
 */
int nftables_run(struct nft_ctx *ctx, const char *what, const char *text);

/* Defines the sets NAME4 and NAME6; `set` is sorted and merged. */
void nftables_print_prefixes(FILE *out, const char *name,
    const struct prefix_set *set);

#endif /* NFTABLES_H */
