/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secret_store: the keeper's two directories, and the keys that only the keeper
 * has.
 *
 * A site that is not known has nobody's credential: a real one, of a password
 * that nobody has, read from a file as every other, so that the two ways cannot
 * be told apart by their time.  A server's missing files of this kind, and the
 * master key, are made at the start, in the directory of state.  What others may
 * read is refused there, or, if it is only one site's, named in the log.
 *
 * Read-only once it is open: threads share it.
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
#define SECRET_STORE_LINE_SIZE	1280 /* of any credential, with its NUL */

/*
 * Moves to `state_fd` what version 0.1 wrote into the directory of credentials.
 * Where that is read-only, or the new place does not survive a boot, the old
 * file stays and is only read.  False when it cannot be used; logged.
 */
bool secret_store_move(int dir_fd, int state_fd);

struct secret_store {
	int	dir_fd, state_fd; /* borrowed */
	bool	server;
	bool	has_sites; /* it may be a server that has lost its key */
	uint8_t token_key[SECRET_STORE_KEY_LEN]; /* survives a restart */
	uint8_t salt_key[SECRET_STORE_KEY_LEN];  /* the same */
	uint8_t state_key[SECRET_STORE_KEY_LEN]; /* of this process */
	uint8_t voucher_key[VOUCHER_KEY_LEN];
};

/*
 * `voucher_fd` is consumed (-1: none).  False, with the reason and how to fix
 * it in `why`.
 */
bool secret_store_open(struct secret_store *store, int dir_fd, int state_fd,
    int voucher_fd, char *why, size_t why_size);
void secret_store_close(struct secret_store *store);

/* What a site is verified by. */
struct secret_store_credential {
	bool	real; /* the site's own; else nobody's */
	char	line[SECRET_STORE_LINE_SIZE];
	uint8_t digest[SECRET_STORE_DIGEST_LEN]; /* of the line */
	/* A known site's file that cannot be used, for the log. */
	int  error;
	char name[CREDENTIALS_NAME_MAX];
};

/* Reads it; what is no credential of that method is an error (-EBADMSG). */
void secret_store_read(const struct secret_store *store, const char *site,
    bool known, enum conf_auth method,
    struct secret_store_credential *credential);

/* The digest of a site's present file; false when there is none. */
bool secret_store_digest(const struct secret_store *store, const char *site,
    enum conf_auth method, uint8_t digest[SECRET_STORE_DIGEST_LEN]);

#endif /* SECRET_STORE_H */
