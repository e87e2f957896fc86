/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record: seals and opens application records of DTLS 1.2 (RFC 6347 4.1) with
 * aead.h and the keys of a GnuTLS session.
 *
 * gnutls_record_send() and _recv() copy each record twice, allocate one to
 * three times and take several locks: with them a single stream took a quarter
 * more CPU time, and small packets twice as much of GnuTLS's.  The bytes on the
 * wire are the same: AES-GCM as in RFC 5288, ChaCha20-Poly1305 as in RFC 7905.
 * As with keys given to the kernel (kTLS), keys have one owner: their session
 * must not write any more, or two records would share a nonce.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/record/aead.h"

struct gnutls_session_int;

#define RECORD_MAX_OVERHEAD 37 /* header, explicit nonce, tag */

/* The key of one direction; {0}: no key. */
struct record_key {
	struct aead_key	 aead;
	uint8_t		 iv[AEAD_NONCE];
	uint8_t		 nonce_len; /* of the part in each record: 8 or 0 */
	uint64_t	 next;	/* next number to seal with, epoch included */
};

/*
 * Takes both keys of `session`, whose handshake is complete, each with its
 * current sequence number; the caller ends the session.  Returns 0; or, with no
 * key taken, -ENOTSUP (not one of the three ciphers, or no keys available) or
 * -ENOMEM. `aead` must outlive both keys.
 */
int record_keys_take(struct record_key *open_key, struct record_key *seal_key,
    struct gnutls_session_int *session, const struct aead *aead);

/* Wipes and frees; idempotent. */
void record_key_wipe(struct record_key *key);

/* Length of a record minus the length of its plaintext. */
size_t record_overhead(const struct record_key *key);

/*
 * Writes the next record, with `len` bytes of plaintext at `plain`, to `dst`;
 * they must not overlap.  Returns the record's length, 0 on failure.
 */
size_t record_seal(struct record_key *key, uint8_t *dst, const uint8_t *plain,
    size_t len);

/*
 * Opens a record in place; lane_header_read() must have accepted its header.
 * Returns 0, and `*plain` lies within the record; or -EBADMSG if it is forged
 * or too short, and its plaintext is wiped.
 */
int record_open(struct record_key *key, uint8_t *record, size_t len,
    uint8_t **plain, size_t *plain_len);

#endif /* RECORD_H */
