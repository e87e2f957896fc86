/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our records against GnuTLS's own: at one end of a DTLS session GnuTLS seals
 * and opens, at the other we do, with the keys taken from it: by the library that
 * is the fastest here, and by GnuTLS's AEAD.
 */
#include "datapath/record/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>

#include "base/wire.h"
#include "datapath/record/lane_header.h"
#include "unit.h"

#define MAX_LEN	 9000
#define MAX_WIRE 16

struct wire {
	uint8_t	 data[MAX_WIRE][MAX_LEN + RECORD_MAX_OVERHEAD];
	size_t	 len[MAX_WIRE];
	unsigned first, end;
};

/* [0] is the client, [1] the server; each writes into its own wire. */
struct pair {
	struct aead			 aead; /* ours */
	gnutls_session_t		 session[2];
	gnutls_psk_client_credentials_t client;
	gnutls_psk_server_credentials_t server;
	struct side {
		struct wire *in, *out;
		gnutls_session_t session;
	} side[2];
	struct wire wire[2];
};

static const struct {
	const char *cipher;
	size_t	    overhead;
} ciphers[] = {
	{ "AES-128-GCM", 37 },
	{ "AES-256-GCM", 37 },
	{ "CHACHA20-POLY1305", 29 },
};

static const size_t lengths[] = { 1, 15, 16, 17, 64, 1431, MAX_LEN };

static ssize_t
push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	struct side *side = ptr;
	struct wire *wire = side->out;

	ck_assert_uint_lt(wire->end, MAX_WIRE);
	ck_assert_uint_le(len, sizeof(wire->data[0]));
	memcpy(wire->data[wire->end], data, len);
	wire->len[wire->end++] = len;
	return (ssize_t)len;
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
	struct side *side = ptr;
	struct wire *wire = side->in;
	size_t	     len;

	if (wire->first == wire->end) {
		wire->first = wire->end = 0;
		gnutls_transport_set_errno(side->session, EAGAIN);
		return -1;
	}
	len = wire->len[wire->first];
	ck_assert_uint_le(len, size);
	memcpy(data, wire->data[wire->first++], len);
	return (ssize_t)len;
}

static int
pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	const struct side *side = ptr;

	return side->in->first < side->in->end;
}

static int
server_psk(gnutls_session_t session, const char *name, gnutls_datum_t *key)
{
	key->data = gnutls_calloc(1, 8);
	key->size = 8;
	return 0;
}

static struct pair *
pair_new(const char *cipher, bool only_gnutls)
{
	struct pair	    *pair = calloc(1, sizeof(*pair));
	char	     zeros[] = "0000000000000000";
	const gnutls_datum_t key = { (void *)zeros, 16 };
	char priorities[128];
	int  r[2] = { -1, -1 };

	ck_assert_ptr_nonnull(pair);
	aead_init(&pair->aead, only_gnutls);
	snprintf(priorities, sizeof(priorities),
	    "NONE:+VERS-DTLS1.2:+PSK:+%s:+AEAD:+SIGN-ALL:+COMP-NULL", cipher);
	gnutls_psk_allocate_client_credentials(&pair->client);
	gnutls_psk_set_client_credentials(pair->client, "x", &key,
	    GNUTLS_PSK_KEY_HEX);
	gnutls_psk_allocate_server_credentials(&pair->server);
	gnutls_psk_set_server_credentials_function(pair->server, server_psk);
	for (int i = 0; i < 2; i++) {
		gnutls_session_t *session = &pair->session[i];

		gnutls_init(session, GNUTLS_DATAGRAM | GNUTLS_NONBLOCK |
			GNUTLS_NO_REPLAY_PROTECTION |
			(i == 0 ? GNUTLS_CLIENT : GNUTLS_SERVER));
		ck_assert_int_eq(gnutls_priority_set_direct(*session,
				     priorities, NULL), 0);
		gnutls_credentials_set(*session, GNUTLS_CRD_PSK,
		    i == 0 ? (void *)pair->client : (void *)pair->server);
		pair->side[i] = (struct side) { &pair->wire[1 - i],
			&pair->wire[i], *session };
		gnutls_transport_set_ptr(*session, &pair->side[i]);
		gnutls_transport_set_push_function(*session, push);
		gnutls_transport_set_pull_function(*session, pull);
		gnutls_transport_set_pull_timeout_function(*session,
		    pull_timeout);
	}
	for (int i = 0; i < 20 && (r[0] != 0 || r[1] != 0); i++) {
		if (r[i % 2] != 0)
			r[i % 2] = gnutls_handshake(pair->session[i % 2]);
	}
	ck_assert_int_eq(r[0], 0);
	ck_assert_int_eq(r[1], 0);
	for (int i = 0; i < 2; i++)
		gnutls_dtls_set_mtu(pair->session[i], MAX_LEN + 100);
	memset(pair->wire, 0, sizeof(pair->wire));
	return pair;
}

static void
pair_free(struct pair *pair)
{
	gnutls_deinit(pair->session[0]);
	gnutls_deinit(pair->session[1]);
	gnutls_psk_free_client_credentials(pair->client);
	gnutls_psk_free_server_credentials(pair->server);
	aead_fini(&pair->aead);
	free(pair);
}

static void
fill(uint8_t *bytes, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)unit_random(&seed);
}

/* With the number behind the last that the session itself has used. */
START_TEST(gnutls_opens_what_we_seal)
{
	static uint8_t plain[MAX_LEN], got[16384];

	for (size_t c = 0; c < 2 * nitems(ciphers); c++) {
		struct pair	 *pair = pair_new(ciphers[c / 2].cipher, c % 2);
		struct wire	 *wire = &pair->wire[0];
		struct record_key other, key;
		uint8_t		  seq[8];
		uint64_t	  first;

		ck_assert_int_eq(record_keys_take(&other, &key,
				     pair->session[0], &pair->aead), 0);
		ck_assert_uint_eq(record_overhead(&key), ciphers[c / 2].overhead);
		first = key.next;
		ck_assert_uint_eq(first, (UINT64_C(1) << 48) + 1);
		for (size_t i = 0; i < nitems(lengths); i++) {
			fill(plain, lengths[i], i);
			wire->first = 0;
			wire->end = 1;
			wire->len[0] = record_seal(&key, wire->data[0], plain,
			    lengths[i]);
			ck_assert_uint_eq(wire->len[0],
			    lengths[i] + ciphers[c / 2].overhead);
			ck_assert_int_eq(gnutls_record_recv_seq(
					     pair->session[1], got, sizeof(got),
					     seq), lengths[i]);
			ck_assert_mem_eq(got, plain, lengths[i]);
			ck_assert_uint_eq(wire_read_u64(seq), first + i);
		}
		record_key_wipe(&key);
		record_key_wipe(&other);
		pair_free(pair);
	}
}
END_TEST

START_TEST(we_open_what_gnutls_seals)
{
	static uint8_t plain[MAX_LEN];

	for (size_t c = 0; c < 2 * nitems(ciphers); c++) {
		struct pair	 *pair = pair_new(ciphers[c / 2].cipher, c % 2);
		struct wire	 *wire = &pair->wire[0];
		struct record_key key, other;

		ck_assert_int_eq(record_keys_take(&key, &other,
				     pair->session[1], &pair->aead), 0);
		for (size_t i = 0; i < nitems(lengths); i++) {
			uint8_t *got;
			size_t	 len;

			fill(plain, lengths[i], i);
			wire->end = 0;
			ck_assert_int_eq(gnutls_record_send(pair->session[0],
					     plain, lengths[i]), lengths[i]);
			ck_assert_int_eq(record_open(&key, wire->data[0],
					     wire->len[0], &got, &len), 0);
			ck_assert_uint_eq(len, lengths[i]);
			ck_assert_mem_eq(got, plain, len);
		}
		record_key_wipe(&key);
		record_key_wipe(&other);
		pair_free(pair);
	}
}
END_TEST

/* Type, version and length are for lane_header_read(). */
START_TEST(nothing_forged_is_opened)
{
	uint8_t plain[50], record[100], *got;

	for (size_t c = 0; c < 2 * nitems(ciphers); c++) {
		struct pair	 *pair = pair_new(ciphers[c / 2].cipher, c % 2);
		struct record_key back, ours, theirs, forth;
		size_t		  n, len;

		ck_assert_int_eq(record_keys_take(&back, &ours,
				     pair->session[0], &pair->aead), 0);
		ck_assert_int_eq(record_keys_take(&theirs, &forth,
				     pair->session[1], &pair->aead), 0);
		fill(plain, sizeof(plain), c);
		for (size_t i = 3; i < sizeof(plain) + ciphers[c / 2].overhead;
		     i++) {
			if (i >= LANE_RECORD_HEADER_LEN - 2 &&
			    i < LANE_RECORD_HEADER_LEN)
				continue;
			n = record_seal(&ours, record, plain, sizeof(plain));
			record[i] ^= 0x10;
			ck_assert_msg(record_open(&theirs, record, n, &got,
					  &len) == -EBADMSG,
			    "%s, byte %zu", ciphers[c / 2].cipher, i);
		}
		for (size_t i = 0; i < sizeof(plain) + ciphers[c / 2].overhead;
		     i++) {
			record_seal(&ours, record, plain, sizeof(plain));
			ck_assert_int_eq(record_open(&theirs, record, i, &got,
					     &len), -EBADMSG);
		}
		/* And by the key of the other direction neither. */
		n = record_seal(&ours, record, plain, sizeof(plain));
		ck_assert_int_eq(record_open(&back, record, n, &got, &len),
		    -EBADMSG);
		record_key_wipe(&back);
		record_key_wipe(&ours);
		record_key_wipe(&theirs);
		record_key_wipe(&forth);
		pair_free(pair);
	}
}
END_TEST

START_TEST(no_two_records_share_a_number)
{
	struct pair	 *pair = pair_new("AES-128-GCM", false);
	struct record_key other, key;
	uint8_t		  plain[10] = { 0 }, record[2][100];
	size_t		  at = LANE_RECORD_HEADER_LEN;

	ck_assert_int_eq(record_keys_take(&other, &key, pair->session[0], &pair->aead), 0);
	record_seal(&key, record[0], plain, sizeof(plain));
	for (int i = 0; i < 1000; i++) {
		record_seal(&key, record[1], plain, sizeof(plain));
		ck_assert_uint_eq(wire_read_u64(record[1] + at),
		    wire_read_u64(record[0] + at) + 1);
		ck_assert_mem_eq(record[1] + at, record[1] + 3, 8);
		ck_assert_mem_ne(record[1] + at + 8, record[0] + at + 8,
		    sizeof(plain));
		memcpy(record[0], record[1], sizeof(record[0]));
	}
	record_key_wipe(&key);
	record_key_wipe(&key);
	record_key_wipe(&other);
	pair_free(pair);
}
END_TEST

START_TEST(another_cipher_is_refused)
{
	struct pair	 *pair = pair_new("AES-128-CCM", false);
	struct record_key opening, sealing;

	ck_assert_int_eq(record_keys_take(&opening, &sealing,
			     pair->session[0], &pair->aead), -ENOTSUP);
	ck_assert_ptr_null(opening.aead.key);
	pair_free(pair);
}
END_TEST

UNIT_MAIN("record", gnutls_opens_what_we_seal, we_open_what_gnutls_seals,
    nothing_forged_is_opened, no_two_records_share_a_number,
    another_cipher_is_refused)
