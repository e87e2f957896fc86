/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pki/crl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <nettle/sha2.h>

#include "base/hex.h"
#include "pki/x509.h"

#define YEAR_SEC   ((time_t)31556952)
#define NUMBER_MAX 20 /* bytes, RFC 5280 */
#define DELTA	   "2.5.29.27" /* a list of changes only */

static int  begin_list(const struct ca_pem *old, gnutls_x509_crt_t ca,
     gnutls_x509_crl_t *list);
static bool is_of(gnutls_x509_crl_t list, gnutls_x509_crt_t ca);
static int  make_list(gnutls_x509_crl_t *list);
static int  make_like(gnutls_x509_crl_t *list);
static int  set_dates(gnutls_x509_crl_t list, gnutls_x509_crt_t ca,
     time_t now);
static int  add_entry(gnutls_x509_crl_t list, gnutls_x509_crt_t ca,
     const struct ca_pem *pem, time_t now);
static size_t get_number(gnutls_x509_crl_t list,
     unsigned char number[NUMBER_MAX]);
static int  set_number(gnutls_x509_crl_t list);
static int  set_authority(gnutls_x509_crl_t list, gnutls_x509_crt_t ca);
static int  export_list(gnutls_x509_crl_t list, struct ca_pem *pem);

/* The lists of a file, and the CAs they may belong to. */
struct lists {
	gnutls_x509_crl_t *v;
	unsigned	   n;
};

struct authorities {
	gnutls_x509_crt_t *v;
	unsigned	   n;
};

static bool open_lists(struct lists *lists, const char *text, size_t len);
static void close_lists(struct lists *lists);
static const char *why_not_these(const struct authorities *cas,
    const struct lists *now, const struct lists *next);
static bool is_delta(gnutls_x509_crl_t list);
static gnutls_x509_crt_t maker(const struct authorities *cas,
    gnutls_x509_crl_t list);
static bool is_older(gnutls_x509_crl_t list, gnutls_x509_crl_t than);
static bool is_same(gnutls_x509_crl_t a, gnutls_x509_crl_t b);

int
crl_add(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *old_pem, const struct ca_pem *cert, time_t now,
    struct ca_pem *pem)
{
	X509_AUTO_KEY key = NULL;
	X509_AUTO_CRL list = NULL;
	X509_AUTO_CRT ca = NULL;
	int	      r;

	*pem = (struct ca_pem) { 0 };
	if ((r = x509_import_cert(ca_cert->text, ca_cert->len, &ca)) < 0 ||
	    (r = x509_import_key(ca_key, &key)) < 0)
		return r;
	if (!x509_is_key_of(key, ca))
		return -EINVAL;
	/* Not copied entry by entry: GnuTLS needs quadratic time for that. */
	if ((r = begin_list(old_pem, ca, &list)) < 0 ||
	    (r = set_dates(list, ca, now)) < 0 ||
	    (cert->len > 0 && (r = add_entry(list, ca, cert, now)) < 0) ||
	    (r = x509_error(gnutls_x509_crl_sign2(list, ca, key,
		 GNUTLS_DIG_SHA256, 0))) < 0)
		return r;
	return export_list(list, pem);
}

const char *
crl_why_not(const struct ca_pem *ca, const struct ca_pem *now_pem,
    const struct ca_pem *next_pem)
{
	gnutls_datum_t	   text = x509_datum(ca->text, ca->len);
	struct authorities cas = { 0 };
	struct lists	   now = { 0 }, next = { 0 };
	const char	  *why = NULL;

	if (gnutls_x509_crt_list_import2(&cas.v, &cas.n, &text,
		GNUTLS_X509_FMT_PEM, 0) < 0) {
		cas.n = 0;
		why = "the CA's certificate cannot be read";
	} else if (!open_lists(&next, next_pem->text, next_pem->len)) {
		why = "it cannot be read as a list in PEM";
	} else if (now_pem->len > 0 &&
	    !open_lists(&now, now_pem->text, now_pem->len)) {
		why = "out of memory";
	} else {
		why = why_not_these(&cas, &now, &next);
	}
	close_lists(&now);
	close_lists(&next);
	for (unsigned i = 0; i < cas.n; i++)
		gnutls_x509_crt_deinit(cas.v[i]);
	gnutls_free(cas.v);
	return why;
}

time_t
crl_end(const char *text, size_t len, time_t *life)
{
	struct lists lists;
	time_t	     first = 0;

	*life = 0;
	if (len == 0 || !open_lists(&lists, text, len))
		return 0;
	for (unsigned i = 0; i < lists.n; i++) {
		time_t end = gnutls_x509_crl_get_next_update(lists.v[i]);

		if (end <= 0 || (first != 0 && end >= first))
			continue;
		first = end;
		*life = end - gnutls_x509_crl_get_this_update(lists.v[i]);
	}
	close_lists(&lists);
	return first;
}

void
crl_digest(const char *text, size_t len, char digest[CRL_DIGEST_SIZE])
{
	uint8_t		  bytes[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(bytes), bytes);
	hex_encode(digest, bytes, sizeof(bytes));
}

static bool
open_lists(struct lists *lists, const char *text, size_t len)
{
	gnutls_datum_t datum = x509_datum(text, len);

	*lists = (struct lists) { 0 };
	if (gnutls_x509_crl_list_import2(&lists->v, &lists->n, &datum,
		GNUTLS_X509_FMT_PEM, 0) >= 0)
		return lists->n > 0;
	lists->n = 0;
	return false;
}

static void
close_lists(struct lists *lists)
{
	for (unsigned i = 0; i < lists->n; i++)
		gnutls_x509_crl_deinit(lists->v[i]);
	gnutls_free(lists->v);
}

static const char *
why_not_these(const struct authorities *cas, const struct lists *now,
    const struct lists *next)
{
	for (unsigned i = 0; i < next->n; i++) {
		if (maker(cas, next->v[i]) == NULL)
			return "it is not signed by the CA of the sites' "
			       "certificates";
		if (is_delta(next->v[i]))
			return "it is a delta list: a whole one is needed";
	}
	for (unsigned i = 0; i < now->n; i++) {
		gnutls_x509_crt_t ca = maker(cas, now->v[i]);
		unsigned	  j = 0;

		while (ca != NULL && j < next->n &&
		    (maker(cas, next->v[j]) != ca ||
			is_older(next->v[j], now->v[i])))
			j++;
		if (ca != NULL && j == next->n)
			return "it is older than the one that is in force, or "
			       "another of the same number, which may revoke "
			       "more: sign one with a higher number";
	}
	return NULL;
}

static bool
is_delta(gnutls_x509_crl_t list)
{
	char oid[128]; /* what GnuTLS has room for */

	for (unsigned i = 0;; i++) {
		size_t	 size = sizeof(oid);
		unsigned critical;

		if (gnutls_x509_crl_get_extension_info(list, i, oid, &size,
			&critical) < 0)
			return false;
		if (strcmp(oid, DELTA) == 0)
			return true;
	}
}

static gnutls_x509_crt_t
maker(const struct authorities *cas, gnutls_x509_crl_t list)
{
	for (unsigned i = 0; i < cas->n; i++) {
		if (is_of(list, cas->v[i]))
			return cas->v[i];
	}
	return NULL;
}

/*
 * Compares by number if both have one, else by date.  Two different lists of
 * one number cannot be ordered: each counts as older.
 */
static bool
is_older(gnutls_x509_crl_t list, gnutls_x509_crl_t than)
{
	unsigned char a[NUMBER_MAX], b[NUMBER_MAX];
	int	      order;

	if (get_number(list, a) == 0 || get_number(than, b) == 0)
		return gnutls_x509_crl_get_this_update(list) <
		    gnutls_x509_crl_get_this_update(than);
	order = memcmp(a, b, NUMBER_MAX);
	return order < 0 || (order == 0 && !is_same(list, than));
}

static bool
is_same(gnutls_x509_crl_t a, gnutls_x509_crl_t b)
{
	gnutls_datum_t x = { 0 }, y = { 0 };
	bool	       same =
	    gnutls_x509_crl_export2(a, GNUTLS_X509_FMT_DER, &x) >= 0 &&
	    gnutls_x509_crl_export2(b, GNUTLS_X509_FMT_DER, &y) >= 0 &&
	    x.size == y.size && memcmp(x.data, y.data, x.size) == 0;

	gnutls_free(x.data);
	gnutls_free(y.data);
	return same;
}

/* Reads the old list, which this CA must have signed, or begins a new one. */
static int
begin_list(const struct ca_pem *old, gnutls_x509_crt_t ca,
    gnutls_x509_crl_t *list)
{
	gnutls_datum_t text = x509_datum(old->text, old->len);
	int	       r;

	if (old->len == 0)
		return make_list(list);
	r = gnutls_x509_crl_init(list);
	if (r >= 0)
		r = gnutls_x509_crl_import(*list, &text, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		return x509_error(r);
	if (!is_of(*list, ca))
		return -EINVAL;
	return gnutls_x509_crl_get_crt_count(*list) == 0 ? make_like(list) : 0;
}

/* Checks the signature and that it is a CA's, whatever its dates are. */
static bool
is_of(gnutls_x509_crl_t list, gnutls_x509_crt_t ca)
{
	const unsigned dates = GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED |
	    GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE;
	unsigned       wrong = 0;

	if (gnutls_x509_crl_verify(list, &ca, 1,
		GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &wrong) < 0)
		return false;
	return wrong == 0 ||
	    ((wrong & dates) != 0 &&
		(wrong & ~(dates | GNUTLS_CERT_INVALID)) == 0);
}

static int
make_list(gnutls_x509_crl_t *list)
{
	int r = gnutls_x509_crl_init(list);

	if (r >= 0)
		r = gnutls_x509_crl_set_version(*list, 2);
	if (r >= 0)
		r = gnutls_x509_crl_set_this_update(*list, CA_NOT_BEFORE);
	return x509_error(r);
}

/* GnuTLS cannot add to another program's empty list, which has no sequence. */
static int
make_like(gnutls_x509_crl_t *list)
{
	gnutls_x509_crl_t old = *list;
	unsigned char	  number[NUMBER_MAX];
	size_t		  len = sizeof(number);
	int		  r;

	*list = NULL;
	r = make_list(list);
	if (r == 0)
		r = x509_error(gnutls_x509_crl_set_this_update(*list,
		    gnutls_x509_crl_get_this_update(old)));
	if (r == 0 && gnutls_x509_crl_get_number(old, number, &len, NULL) >= 0)
		r = x509_error(gnutls_x509_crl_set_number(*list, number, len));
	gnutls_x509_crl_deinit(old);
	return r;
}

static int
set_dates(gnutls_x509_crl_t list, gnutls_x509_crt_t ca, time_t now)
{
	int r = x509_error(gnutls_x509_crl_set_next_update(list,
	    now + CRL_YEARS * YEAR_SEC));

	if (r == 0)
		r = set_number(list);
	return r == 0 ? set_authority(list, ca) : r;
}

static int
add_entry(gnutls_x509_crl_t list, gnutls_x509_crt_t ca,
    const struct ca_pem *pem, time_t now)
{
	X509_AUTO_CRT cert = NULL;
	int	      r = x509_import_cert(pem->text, pem->len, &cert);

	if (r == 0 && !x509_is_made_by(cert, ca))
		r = -EINVAL;
	if (r == 0 && gnutls_x509_crt_check_revocation(cert, &list, 1) != 1)
		r = x509_error(gnutls_x509_crl_set_crt(list, cert, now));
	return r;
}

/*
 * Writes the number big-endian at the end of `number` and returns its length;
 * 0: none.
 */
static size_t
get_number(gnutls_x509_crl_t list, unsigned char number[NUMBER_MAX])
{
	unsigned char text[NUMBER_MAX];
	size_t	      len = sizeof(text);

	memset(number, 0, NUMBER_MAX);
	if (gnutls_x509_crl_get_number(list, text, &len, NULL) < 0)
		return 0;
	memcpy(number + NUMBER_MAX - len, text, len);
	return len;
}

/* RFC 5280 5.2.3: the number increases. */
static int
set_number(gnutls_x509_crl_t list)
{
	unsigned char number[NUMBER_MAX];
	unsigned      i = NUMBER_MAX;

	(void)get_number(list, number);
	while (i > 0 && ++number[--i] == 0)
		;
	/* The first bit is the sign: a zero byte goes before it. */
	for (i = 0; i < NUMBER_MAX - 1 && number[i] == 0 && number[i + 1] < 128;
	     i++)
		;
	return x509_error(gnutls_x509_crl_set_number(list, number + i,
	    NUMBER_MAX - i));
}

static int
set_authority(gnutls_x509_crl_t list, gnutls_x509_crt_t ca)
{
	unsigned char id[64];
	size_t	      len = sizeof(id);
	int	      r = gnutls_x509_crt_get_subject_key_id(ca, id, &len, NULL);

	if (r >= 0)
		r = gnutls_x509_crl_set_authority_key_id(list, id, len);
	return x509_error(r);
}

static int
export_list(gnutls_x509_crl_t list, struct ca_pem *pem)
{
	gnutls_datum_t text = { 0 };
	int	       r;

	r = x509_error(gnutls_x509_crl_export2(list, GNUTLS_X509_FMT_PEM,
	    &text));
	if (r == 0)
		r = x509_take_text(pem, &text);
	if (r == 0 && pem->len > CRL_MAX) {
		ca_pem_fini(pem);
		r = -EFBIG;
	}
	return r;
}
