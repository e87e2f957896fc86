/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said when, by the lines that come out of stderr. */
#include "control/expiry.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "unit.h"

#define DAY ((time_t)86400)
#define NOW ((time_t)1800000000) /* 2027-01-15 08:00 */

static int pipe_fds[2];

static void
begin(void)
{
	ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
	ck_assert_int_ne(dup2(pipe_fds[1], STDERR_FILENO), -1);
}

/* Everything that was logged since the last call. */
static const char *
said(void)
{
	static char text[4096];
	ssize_t	    n = read(pipe_fds[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(what_is_not_valid_yet_is_said)
{
	struct expiry expiry = { 0 };
	char	      text[EXPIRY_TEXT_SIZE];

	expiry_set(&expiry, EXPIRY_SITE, NOW + 99 * DAY, EXPIRY_SOON_SEC);
	expiry.of[EXPIRY_SITE].begin = NOW + DAY;
	ck_assert_str_eq(expiry_advice(&expiry, EXPIRY_SITE, NOW, text,
			     sizeof(text)),
	    "is not valid before 2027-01-16: check this host's clock");
	ck_assert_ptr_null(expiry_advice(&expiry, EXPIRY_SITE, NOW + DAY, text,
	    sizeof(text)));
}
END_TEST

START_TEST(it_is_said_in_time_and_with_advice)
{
	static const struct {
		time_t	    left;
		const char *says; /* NULL: nothing */
	} rows[] = {
		{ 5 * 365 * DAY, NULL },
		{ 30 * DAY + 1, NULL },
		{ 30 * DAY, "ends on 2027-02-14, in 30 days: renew it with "
			    "tombolo init --renew" },
		{ DAY + 5, "ends on 2027-01-16, in 1 day: renew" },
		{ 5, "ends on 2027-01-15, in 0 days: renew" },
		{ -5, "ended on 2027-01-15: renew" },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		struct expiry expiry = { 0 };
		char	      text[EXPIRY_TEXT_SIZE];
		const char   *got;

		expiry_set(&expiry, EXPIRY_SERVER, NOW + rows[i].left,
		    EXPIRY_SOON_SEC);
		got = expiry_advice(&expiry, EXPIRY_SERVER, NOW, text,
		    sizeof(text));
		ck_assert_msg((got == NULL) == (rows[i].says == NULL), "%lld",
		    (long long)rows[i].left);
		if (got != NULL)
			ck_assert_msg(strstr(got, rows[i].says) != NULL, "%s",
			    got);
	}
}
END_TEST

START_TEST(it_is_logged_once_a_day)
{
	struct expiry expiry = { 0 };
	struct mono   mono = { 7 };

	begin();
	expiry_warn(&expiry, NOW, mono);
	ck_assert_str_eq(said(), "");
	expiry_set(&expiry, EXPIRY_SERVER, NOW + 10 * DAY,
		    EXPIRY_SOON_SEC);
	expiry_set(&expiry, EXPIRY_PEER, NOW + 100 * DAY,
		    EXPIRY_SOON_SEC);
	expiry_warn(&expiry, NOW, mono);
	ck_assert_str_eq(said(), "tombolo: the certificate of this hub ends "
	    "on 2027-01-25, in 10 days: renew it with tombolo init --renew\n");
	/* A minute later, whatever the clock on the wall does. */
	mono = mono_add(mono, 60 * MONO_SEC);
	expiry_warn(&expiry, NOW + 5 * DAY, mono);
	ck_assert_str_eq(said(), "");
	mono = mono_add(mono, DAY * MONO_SEC);
	expiry_warn(&expiry, NOW + DAY, mono);
	ck_assert_ptr_nonnull(strstr(said(), "in 9 days"));
	/* Renewed: no more. */
	expiry_set(&expiry, EXPIRY_SERVER, NOW + 1800 * DAY,
		    EXPIRY_SOON_SEC);
	mono = mono_add(mono, 2 * DAY * MONO_SEC);
	expiry_warn(&expiry, NOW + 3 * DAY, mono);
	ck_assert_str_eq(said(), "");
	/* And by one that ends soon: at once. */
	expiry_set(&expiry, EXPIRY_SERVER, NOW + 4 * DAY,
		    EXPIRY_SOON_SEC);
	expiry_warn(&expiry, NOW + 3 * DAY, mono);
	ck_assert_ptr_nonnull(strstr(said(), "in 1 day:"));
}
END_TEST

START_TEST(each_has_its_own_words)
{
	struct expiry expiry = { 0 };

	begin();
	for (unsigned i = 0; i < EXPIRIES; i++)
		expiry_set(&expiry, (enum expiry_of)i, NOW,
		    EXPIRY_SOON_SEC);
	expiry_warn(&expiry, NOW, (struct mono) { 0 });
	ck_assert_str_eq(said(),
	    "tombolo: the certificate of this hub ends on 2027-01-15, in 0 "
	    "days: renew it with tombolo init --renew\n"
	    "tombolo: the RSA certificate of this hub ends on 2027-01-15, "
	    "in 0 days: renew it with tombolo init --renew\n"
	    "tombolo: the certificate of this site ends on 2027-01-15, in 0 "
	    "days: the hub makes another with tombolo site passwd\n"
	    "tombolo: the certificate of the hub ends on 2027-01-15, in 0 "
	    "days: the hub renews it with tombolo init --renew\n"
	    "tombolo: the list of revoked certificates ends on 2027-01-15, in "
	    "0 days: create a new one; this one stays in force\n");
}
END_TEST

/* Each is made anew before the last one ends: only what is late is news. */
START_TEST(list_is_late_at_a_quarter_of_its_life)
{
	ck_assert_int_eq(expiry_soon(0), 0);
	ck_assert_int_eq(expiry_soon(7 * DAY), 0);
	ck_assert_int_eq(expiry_soon(32 * DAY), 8 * DAY);
	ck_assert_int_eq(expiry_soon(7000 * DAY), EXPIRY_SOON_SEC);
}
END_TEST

UNIT_MAIN("expiry", list_is_late_at_a_quarter_of_its_life,
    what_is_not_valid_yet_is_said, it_is_said_in_time_and_with_advice,
    it_is_logged_once_a_day, each_has_its_own_words)
