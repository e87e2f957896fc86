/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secret_store: the keeper's two directories, and the keys that only the keeper
 * has.
 *
 * An unknown site is verified against a dummy credential ("nobody"): a real
 * one, of a random password that was not kept, read from a file like all
 * others, so that the time does not show whether a site exists.  At the start a
 * server creates missing dummies and the master key in the state directory.
 * Files that others can read are refused, or, if only one site is concerned,
 * named in the log.
 *
 * Read-only after it is opened: threads share it.
 */
#ifndef SECRET_STORE_H
#define SECRET_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "keeper/credentials.h"
#include "proc/voucher.h"

#define SECRET_STORE_KEY_LEN	32
#define SECRET_STORE_DIGEST_LEN 16
#define SECRET_STORE_LINE_SIZE	1280 /* any credential, with its NUL */

/*
 * Moves what version 0.1 wrote into the credentials directory to `state_fd`. If
 * that directory is read-only, or the new one does not survive a reboot, the
 * old file stays and is only read.  False if it cannot be used; logged.
 */
bool secret_store_move(int dir_fd, int state_fd);

struct secret_store {
	int	dir_fd, state_fd; /* borrowed */
	bool	server;
	bool	has_sites; /* it may be a server whose key is missing */
	uint8_t token_key[SECRET_STORE_KEY_LEN]; /* survives a restart */
	uint8_t salt_key[SECRET_STORE_KEY_LEN];  /* the same */
	uint8_t state_key[SECRET_STORE_KEY_LEN]; /* of this process */
	uint8_t voucher_key[VOUCHER_KEY_LEN];
};

/*
 * `voucher_fd` is consumed (-1: none). False, with the reason and how to fix it
 * in `why`.
 */
bool secret_store_open(struct secret_store *store, int dir_fd, int state_fd,
    int voucher_fd, char *why, size_t why_size);
void secret_store_close(struct secret_store *store);

/* The credential that a site is verified with. */
struct secret_store_credential {
	bool	real; /* the site's own; else the dummy */
	char	line[SECRET_STORE_LINE_SIZE];
	uint8_t digest[SECRET_STORE_DIGEST_LEN]; /* of the line */
	/* For the log: a known site's file that is not usable. */
	int  error;
	char name[CREDENTIALS_NAME_MAX];
};

/* Reads it.  An invalid credential of that method is an error (-EBADMSG). */
void secret_store_read(const struct secret_store *store, const char *site,
    bool known, enum conf_auth method,
    struct secret_store_credential *credential);

/* Gives the digest of a site's current file; false if there is none. */
bool secret_store_digest(const struct secret_store *store, const char *site,
    enum conf_auth method, uint8_t digest[SECRET_STORE_DIGEST_LEN]);

#endif /* SECRET_STORE_H */
