/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_claims: which sites claim the same addresses.
 *
 * By sorting, not each with each: there may be thousands.  Pure.
 */
#ifndef CONF_CLAIMS_H
#define CONF_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

/* An enabled site's address or subnet; borrowed from the configuration. */
struct conf_claim {
	struct prefix		prefix;
	const struct conf_site *site;
	size_t			item; /* in that list of the site's */
	bool			is_subnet;
};

/*
 * Calls `clash` for each claim that overlaps one of another site, `outer`, which
 * is as large or larger; in the same order every time.  Disabled sites claim
 * nothing.  False when there is no memory.
 */
bool conf_claims_compare(const struct conf *conf,
    void (*clash)(const void *arg, const struct conf_claim *claim,
	const struct conf_claim *outer),
    const void *arg);

#endif /* CONF_CLAIMS_H */
