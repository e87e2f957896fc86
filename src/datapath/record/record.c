/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/record/record.h"

#include <errno.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "base/secret.h"
#include "base/wire.h"
#include "datapath/record/lane_header.h"

#define SEQ_AT	     3 /* in the header: epoch and sequence number */
#define SEQ_LEN	     8
#define GCM_EXPLICIT 8 /* RFC 5288 3 */
#define AAD_LEN	     13

/* Arguments of gnutls_record_get_state(). */
#define WRITING 0
#define READING 1

static int take(struct record_key *key, struct gnutls_session_int *session,
    unsigned reading, const struct aead *aead);
static void make_nonce(const struct record_key *key,
    uint8_t nonce[AEAD_NONCE], uint64_t seq, uint64_t given);
static void make_aad(uint8_t aad[AAD_LEN], uint64_t seq, size_t len);

int
record_keys_take(struct record_key *open_key, struct record_key *seal_key,
    struct gnutls_session_int *session, const struct aead *aead)
{
	int r = take(open_key, session, READING, aead);

	if (r < 0)
		return r;
	r = take(seal_key, session, WRITING, aead);
	if (r < 0)
		record_key_wipe(open_key);
	return r;
}

static int
take(struct record_key *key, struct gnutls_session_int *session,
    unsigned reading, const struct aead *aead)
{
	enum aead_cipher cipher = aead_gnutls_cipher(session);
	gnutls_datum_t	 mac, iv, secret;
	uint8_t		 seq[SEQ_LEN];

	*key = (struct record_key) { 0 };
	if (cipher == AEAD_CIPHERS)
		return -ENOTSUP;
	key->nonce_len = cipher == AEAD_CHACHA20_POLY1305 ? 0 : GCM_EXPLICIT;
	if (gnutls_record_get_state(session, reading, &mac, &iv, &secret,
		seq) < 0 ||
	    iv.size != (size_t)AEAD_NONCE - key->nonce_len)
		return -ENOTSUP;
	if (!aead_key_init(&key->aead, aead->of[cipher], cipher, secret.data))
		return -ENOMEM;
	memcpy(key->iv, iv.data, iv.size);
	key->next = wire_read_u64(seq);
	return 0;
}

void
record_key_wipe(struct record_key *key)
{
	aead_key_fini(&key->aead);
	secret_wipe(key, sizeof(*key));
}

size_t
record_overhead(const struct record_key *key)
{
	return LANE_RECORD_HEADER_LEN + key->nonce_len + AEAD_TAG;
}

size_t
record_seal(struct record_key *key, uint8_t *dst, const uint8_t *plain,
    size_t len)
{
	uint8_t		   nonce[AEAD_NONCE], aad[AAD_LEN];
	struct aead_record record = { .nonce = nonce, .aad = aad,
		.aad_len = sizeof(aad), .src = plain,
		.dst = dst + LANE_RECORD_HEADER_LEN + key->nonce_len,
		.len = len };

	make_aad(aad, key->next, len);
	/*
	 * RFC 5288 allows the sequence number as the explicit part of the
	 * nonce.
	 */
	make_nonce(key, nonce, key->next, key->next);
	dst[0] = LANE_TYPE_DATA;
	wire_write_u16(dst + 1, LANE_DTLS12_VERSION);
	wire_write_u64(dst + SEQ_AT, key->next);
	wire_write_u16(dst + 11, (uint16_t)(key->nonce_len + len + AEAD_TAG));
	if (key->nonce_len != 0)
		wire_write_u64(dst + LANE_RECORD_HEADER_LEN, key->next);
	/* The nonce is used even if sealing fails. */
	key->next++;
	if (!aead_seal(&key->aead, &record, 1))
		return 0;
	return len + record_overhead(key);
}

int
record_open(struct record_key *key, uint8_t *record, size_t len,
    uint8_t **plain, size_t *plain_len)
{
	uint8_t		   nonce[AEAD_NONCE], aad[AAD_LEN];
	uint8_t		  *sealed = record + LANE_RECORD_HEADER_LEN +
	    key->nonce_len;
	struct aead_record opened = { .nonce = nonce, .aad = aad,
		.aad_len = sizeof(aad), .src = sealed, .dst = sealed };
	uint64_t	   seq;

	if (len < record_overhead(key))
		return -EBADMSG;
	opened.len = len - record_overhead(key);
	seq = wire_read_u64(record + SEQ_AT);
	make_nonce(key, nonce, seq,
	    wire_read_u64(record + LANE_RECORD_HEADER_LEN));
	make_aad(aad, seq, opened.len);
	if (aead_open(&key->aead, &opened, 1) == 0)
		return -EBADMSG;
	*plain = sealed;
	*plain_len = opened.len;
	return 0;
}

/*
 * AES-GCM: four bytes of the key block, then the record's explicit part (RFC
 * 5288 3). ChaCha20: twelve bytes, XORed with the sequence number (RFC 7905 2).
 * The numbers are passed in registers: reading bytes just written to the record
 * is slow.
 */
static void
make_nonce(const struct record_key *key, uint8_t nonce[AEAD_NONCE],
    uint64_t seq, uint64_t given)
{
	uint8_t *last = nonce + AEAD_NONCE - SEQ_LEN;

	memcpy(nonce, key->iv, AEAD_NONCE);
	if (key->nonce_len != 0)
		wire_write_u64(last, given);
	else
		wire_write_u64(last, wire_read_u64(last) ^ seq);
}

/* RFC 5246 6.2.3.3: sequence number, type, version, length of the plaintext. */
static void
make_aad(uint8_t aad[AAD_LEN], uint64_t seq, size_t len)
{
	wire_write_u64(aad, seq);
	aad[SEQ_LEN] = LANE_TYPE_DATA;
	wire_write_u16(aad + SEQ_LEN + 1, LANE_DTLS12_VERSION);
	wire_write_u16(aad + SEQ_LEN + 3, (uint16_t)len);
}
