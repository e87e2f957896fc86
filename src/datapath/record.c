/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/record.h"

#include <errno.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/secret.h"
#include "base/wire.h"
#include "datapath/lane_header.h"

#define SEQ_AT	     3 /* in the header: epoch and sequence number */
#define SEQ_LEN	     8
#define GCM_EXPLICIT 8 /* RFC 5288 3 */
#define AAD_LEN	     13

/* Which state gnutls_record_get_state() gives. */
#define WRITING 0
#define READING 1

static int take(struct record_key *key, struct gnutls_session_int *session,
    unsigned reading);
static void make_nonce(const struct record_key *key,
    uint8_t nonce[RECORD_NONCE], uint64_t seq, uint64_t given);
static void make_aad(uint8_t aad[AAD_LEN], uint64_t seq, size_t len);

int
record_keys_take(struct record_key *opening, struct record_key *sealing,
    struct gnutls_session_int *session)
{
	int r = take(opening, session, READING);

	if (r < 0)
		return r;
	r = take(sealing, session, WRITING);
	if (r < 0)
		record_key_wipe(opening);
	return r;
}

static int
take(struct record_key *key, struct gnutls_session_int *session,
    unsigned reading)
{
	gnutls_cipher_algorithm_t cipher = gnutls_cipher_get(session);
	gnutls_datum_t		  mac, iv, secret;
	uint8_t			  seq[SEQ_LEN];

	*key = (struct record_key) { 0 };
	switch (cipher) {
	case GNUTLS_CIPHER_AES_128_GCM:
	case GNUTLS_CIPHER_AES_256_GCM:
		key->nonce_len = GCM_EXPLICIT;
		break;
	case GNUTLS_CIPHER_CHACHA20_POLY1305:
		break;
	default:
		return -ENOTSUP;
	}
	if (gnutls_record_get_state(session, reading, &mac, &iv, &secret,
		seq) < 0 ||
	    iv.size != (size_t)RECORD_NONCE - key->nonce_len)
		return -ENOTSUP;
	if (gnutls_aead_cipher_init(&key->aead, cipher, &secret) < 0) {
		key->aead = NULL;
		return -ENOMEM;
	}
	memcpy(key->iv, iv.data, iv.size);
	key->next = wire_read_u64(seq);
	return 0;
}

void
record_key_wipe(struct record_key *key)
{
	if (key->aead != NULL)
		gnutls_aead_cipher_deinit(key->aead);
	secret_wipe(key, sizeof(*key));
}

size_t
record_overhead(const struct record_key *key)
{
	return LANE_RECORD_HEADER_LEN + key->nonce_len + RECORD_TAG;
}

size_t
record_seal(struct record_key *key, uint8_t *dst, const uint8_t *plain,
    size_t len)
{
	uint8_t	 nonce[RECORD_NONCE], aad[AAD_LEN];
	uint8_t *sealed = dst + LANE_RECORD_HEADER_LEN + key->nonce_len;
	size_t	 sealed_len = len + RECORD_TAG;

	make_aad(aad, key->next, len);
	/* The explicit part of GCM's nonce may be the sequence number. */
	make_nonce(key, nonce, key->next, key->next);
	dst[0] = LANE_TYPE_DATA;
	wire_write_u16(dst + 1, LANE_DTLS12_VERSION);
	wire_write_u64(dst + SEQ_AT, key->next);
	wire_write_u16(dst + 11, (uint16_t)(key->nonce_len + sealed_len));
	if (key->nonce_len != 0)
		wire_write_u64(dst + LANE_RECORD_HEADER_LEN, key->next);
	/* Whatever comes of it: this nonce is used. */
	key->next++;
	if (gnutls_aead_cipher_encrypt(key->aead, nonce, sizeof(nonce), aad,
		sizeof(aad), RECORD_TAG, plain, len, sealed, &sealed_len) < 0)
		return 0;
	return len + record_overhead(key);
}

int
record_open(const struct record_key *key, uint8_t *record, size_t len,
    uint8_t **plain, size_t *plain_len)
{
	uint8_t	 nonce[RECORD_NONCE], aad[AAD_LEN];
	uint8_t *sealed = record + LANE_RECORD_HEADER_LEN + key->nonce_len;
	uint64_t seq;

	if (len < record_overhead(key))
		return -EBADMSG;
	*plain = sealed;
	*plain_len = len - record_overhead(key);
	seq = wire_read_u64(record + SEQ_AT);
	make_nonce(key, nonce, seq,
	    wire_read_u64(record + LANE_RECORD_HEADER_LEN));
	make_aad(aad, seq, *plain_len);
	if (gnutls_aead_cipher_decrypt(key->aead, nonce, sizeof(nonce), aad,
		sizeof(aad), RECORD_TAG, sealed, *plain_len + RECORD_TAG,
		*plain, plain_len) < 0)
		return -EBADMSG;
	return 0;
}

/*
 * AES-GCM: four bytes of the key block, then what the record carries (RFC 5288
 * 3).  ChaCha20: twelve, XORed with the sequence number (RFC 7905 2).  (Numbers
 * in registers: bytes just written to the record are slow to read back as one.)
 */
static void
make_nonce(const struct record_key *key, uint8_t nonce[RECORD_NONCE],
    uint64_t seq, uint64_t given)
{
	uint8_t *last = nonce + RECORD_NONCE - SEQ_LEN;

	memcpy(nonce, key->iv, RECORD_NONCE);
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
