/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record: application records of DTLS 1.2 (RFC 6347 4.1), sealed and opened
 * (aead.h) with the keys that a GnuTLS session has agreed on.
 *
 * The session's own gnutls_record_send() and _recv() copy each record twice,
 * allocate one to three times and take several locks: with them one stream cost
 * a quarter more CPU time, a small packet twice as much of GnuTLS's.  What goes
 * over the wire is the same: AES-GCM as in RFC 5288, ChaCha20-Poly1305 as in
 * RFC 7905.  As with keys given to the kernel (kTLS), keys have one owner: the
 * session they come from must write no more, or two records share a nonce.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/record/aead.h"

struct gnutls_session_int;

#define RECORD_MAX_OVERHEAD 37 /* header, explicit nonce, tag */

/* The key of one direction; {0}: none. */
struct record_key {
	struct aead_key	 aead;
	uint8_t		 iv[AEAD_NONCE];
	uint8_t		 nonce_len; /* of the part that records carry: 8 or 0 */
	uint64_t	 next;	/* number to seal with, epoch included */
};

/*
 * Takes both keys of `session`, whose handshake is complete, each from its
 * present sequence number on; the caller ends the session.  0, or none is
 * taken: -ENOTSUP: not one of the three ciphers, or it gives no keys; -ENOMEM.
 * `aead` must outlive both.
 */
int record_keys_take(struct record_key *opening, struct record_key *sealing,
    struct gnutls_session_int *session, const struct aead *aead);

/* Wipes and frees; idempotent. */
void record_key_wipe(struct record_key *key);

/* Length of a record minus that of its plaintext. */
size_t record_overhead(const struct record_key *key);

/*
 * Writes the next record, with `len` bytes of plaintext at `plain`, to `dst`;
 * they do not overlap.  The record's length, 0 on failure.
 */
size_t record_seal(struct record_key *key, uint8_t *dst, const uint8_t *plain,
    size_t len);

/*
 * Opens a record in place, whose header the caller has found to be right
 * (lane_header_read()).  0: `*plain` lies within it; -EBADMSG: it is forged, or
 * too short to be one, and its plaintext is wiped.
 */
int record_open(struct record_key *key, uint8_t *record, size_t len,
    uint8_t **plain, size_t *plain_len);

#endif /* RECORD_H */
