/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_psk: creates a site's pre-shared key for its next invitation.
 *
 * The hub stores the generation only; the key itself is only in the invitation.
 * The ring from which all keys are derived is created with the first.
 */
#ifndef SITE_PSK_H
#define SITE_PSK_H

#include <stdbool.h>

#include "cmd/util/file_txn.h"
#include "keeper/psk.h"

/* Zeroed storage is no key. */
struct site_psk {
	char line[PSK_LINE_SIZE]; /* for the invitation */
	char generation[2 * 4 + 2]; /* lines in their files */
	char ring[2 * PSK_LEN + 2]; /* "": it exists already */
};

/* False after one line on stderr, which begins with `who`. */
bool site_psk_make(struct site_psk *psk, const char *dir, const char *site,
    const char *who);
bool site_psk_write(struct file_txn *undo, const struct site_psk *psk,
    const char *dir, const char *site);

#endif /* SITE_PSK_H */
