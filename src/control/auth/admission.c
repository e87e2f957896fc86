/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/auth/admission.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "engine/ask/keeper_ask.h"
#include "proc/pam_chat.h"

#define RESERVED_ASKS 32 /* of the keeper's, for known clients */

#define PAM_UNKNOWN	    8 /* helpers at a time */
#define PAM_NETWORK_UNKNOWN 4 /* any client's, when an unknown one asks */
#define PAM_NETWORK_KNOWN   8
/* The burst, and the rate per second. */
#define PAM_UNKNOWN_BURST   8
#define PAM_UNKNOWN_PER_SEC 3
#define PAM_KNOWN_BURST	    16
#define PAM_KNOWN_PER_SEC   4
#define SRP_UNKNOWN_BURST   48
#define SRP_UNKNOWN_PER_SEC 6

#define GRACE_EACH_US  (MONO_SEC / 20)
#define GRACE_MAX_US   (MONO_SEC / 2) /* after the last one */
#define GRACE_AGAIN_US (60 * MONO_SEC)

#define CROWDS 256 /* buckets that networks are counted in */

/* A score has eight places, chosen by a keyed hash. */
#define WAYS 8
#define SETS (ADMISSION_SCORES / WAYS)

static_assert(PAM_UNKNOWN_BURST + PAM_KNOWN_BURST < PAM_CHAT_BURST &&
	PAM_UNKNOWN_PER_SEC + PAM_KNOWN_PER_SEC < PAM_CHAT_PER_SEC,
    "the monitor ends an engine that asks for more");
static_assert(SRP_UNKNOWN_BURST < REQUEST_TLS_SRP_BURST &&
	SRP_UNKNOWN_PER_SEC < REQUEST_TLS_SRP_PER_SEC,
    "the keeper refuses more, for known sites too");

enum kind { PAIR, NETWORK, SITE, KINDS };

static const struct rule {
	unsigned free;	  /* attempts before the first delay */
	unsigned max_sec; /* the longest delay, and what an attempt is kept */
} rules[KINDS] = {
	[PAIR] = { ADMISSION_FREE, ADMISSION_MAX_SEC },
	[NETWORK] = { 20, ADMISSION_MAX_SEC },
	[SITE] = { 50, 30 },
};

static bool may_evict(const struct applicant *applicant, bool for_known);
static size_t crowd_of(const struct admission *admission,
    const struct applicant *applicant);
static uint64_t mix(uint64_t hash, const void *data, size_t len);
static bool has_quota(struct admission *admission,
    const struct applicant *applicant, enum admission_need need,
    unsigned keeper_asks, struct mono now);
static bool has_pam_quota(struct admission *admission,
    const struct applicant *applicant, struct mono now);
static void count(struct admission *admission, const struct applicant *applicant,
    const char *site, int by, struct mono now);
static struct admission_score *find(struct admission *admission,
    enum kind kind, const char *site, const struct addr *network, bool make);
static bool is_same(const struct admission_score *a,
    const struct admission_score *b);
static unsigned attempts_of(const struct admission_score *score,
    struct mono now);
static unsigned wait_of(const struct admission_score *score, struct mono now);
static unsigned delay_sec(const struct rule *rule, unsigned attempts);
static unsigned left(struct mono end, int64_t unit_us, struct mono now);

void
admission_init(struct admission *admission, struct mono now)
{
	memset(admission, 0, sizeof(*admission));
	admission->grace_end = mono_add(now, ADMISSION_GRACE_START_US);
	LIST_INIT(&admission->applicants);
	arc4random_buf(&admission->seed, sizeof(admission->seed));
}

void
admission_arrive(struct admission *admission, struct applicant *applicant,
    const struct addr *from)
{
	applicant->from = *from;
	applicant->network = addr_network(from);
	LIST_INSERT_HEAD(&admission->applicants, applicant, entry);
}

void
admission_leave(struct applicant *applicant)
{
	LIST_REMOVE(applicant, entry);
}

bool
admission_has_grace(const struct admission *admission, struct mono now)
{
	return !mono_is_due(admission->grace_end, now);
}

void
admission_came_in(struct admission *admission, struct mono *next,
    struct mono now)
{
	struct mono most = mono_add(now, GRACE_MAX_US), more;

	if (!mono_is_due(*next, now))
		return;
	*next = mono_add(now, GRACE_AGAIN_US);
	more = mono_add(admission_has_grace(admission, now) ?
		admission->grace_end : now, GRACE_EACH_US);
	if (mono_is_due(most, more))
		more = most;
	/* What there was from the beginning stays. */
	if (mono_is_due(admission->grace_end, more))
		admission->grace_end = more;
}

struct applicant *
admission_evict(struct admission *admission, bool for_known)
{
	struct applicant *one, *victim = NULL;
	unsigned	  crowds[CROWDS] = { 0 }, worst = 0;

	LIST_FOREACH(one, &admission->applicants, entry)
		crowds[crowd_of(admission, one)] += may_evict(one, for_known);
	/* Among equals the last one is the oldest. */
	LIST_FOREACH(one, &admission->applicants, entry) {
		unsigned weight = crowds[crowd_of(admission, one)] * 4 +
		    (one->state == APPLICANT_NEW ? 2 :
		    one->state == APPLICANT_LOOKING ? 0 : 1);

		if (one->from_any_known_address)
			weight = 1;
		if (may_evict(one, for_known) && weight >= worst) {
			worst = weight;
			victim = one;
		}
	}
	return victim;
}

int
admission_attempt(struct admission *admission,
    const struct applicant *applicant, const char *site,
    enum admission_need need, unsigned keeper_asks, struct mono now)
{
	unsigned longest = 0;

	for (enum kind kind = PAIR; kind < KINDS; kind++) {
		const struct admission_score *score = find(admission, kind,
		    site, &applicant->network, false);
		unsigned sec = score != NULL ? wait_of(score, now) : 0;

		if ((kind == PAIR || !applicant->from_known_address) &&
		    sec > longest)
			longest = sec;
	}
	if (longest > 0)
		return (int)longest;
	if (!has_quota(admission, applicant, need, keeper_asks, now))
		return -EAGAIN;
	count(admission, applicant, site, 1, now);
	return 0;
}

void
admission_forgive(struct admission *admission,
    const struct applicant *applicant, const char *site, struct mono now)
{
	struct admission_score *score;

	admission_undo(admission, applicant, site, now);
	score = find(admission, PAIR, site, &applicant->network, false);
	if (score != NULL)
		score->forgotten = score->until = now;
}

void
admission_undo(struct admission *admission,
    const struct applicant *applicant, const char *site, struct mono now)
{
	count(admission, applicant, site, -1, now);
}

size_t
admission_list(const struct admission *admission, struct admission_row *rows,
    size_t max, struct mono now)
{
	size_t n = 0;

	for (size_t i = 0; i < ADMISSION_SCORES; i++) {
		const struct admission_score *score = &admission->scores[i];
		unsigned wait_sec = wait_of(score, now);
		size_t	 at = n;

		while (at > 0 && rows[at - 1].wait_sec < wait_sec)
			at--;
		if (wait_sec == 0 || at == max)
			continue;
		n += n < max;
		memmove(&rows[at + 1], &rows[at],
		    (n - at - 1) * sizeof(*rows));
		rows[at] = (struct admission_row) { score,
			attempts_of(score, now), wait_sec };
	}
	return n;
}

/*
 * Not those that the keeper works for: that work would be for nothing.  But a
 * crowd of unknown clients that keeps it busy must not keep sites out.
 */
static bool
may_evict(const struct applicant *applicant, bool for_known)
{
	return applicant->state < APPLICANT_LOOKING ||
	    (for_known && applicant->state == APPLICANT_LOOKING &&
		!applicant->from_any_known_address);
}

/* Two networks in one bucket do no harm. */
static size_t
crowd_of(const struct admission *admission, const struct applicant *applicant)
{
	return mix(admission->seed, applicant->network.bytes,
	    sizeof(applicant->network.bytes)) % CROWDS;
}

/* FNV-1a with a secret initial value, finished by splitmix64's mixer. */
static uint64_t
mix(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
	return hash ^ hash >> 31;
}

static bool
has_quota(struct admission *admission, const struct applicant *applicant,
    enum admission_need need, unsigned keeper_asks, struct mono now)
{
	bool known = applicant->from_known_address;

	switch (need) {
	case ADMISSION_KEEPER:
		return known || keeper_asks < KEEPER_ASK_MAX - RESERVED_ASKS;
	case ADMISSION_PAM:
		return has_pam_quota(admission, applicant, now);
	case ADMISSION_TLS_SRP:
		return known || bucket_take(&admission->srp_unknown,
		    SRP_UNKNOWN_BURST, MONO_SEC / SRP_UNKNOWN_PER_SEC, now);
	case ADMISSION_NOTHING:
		break;
	}
	return true;
}

/* A client can hold a helper for two minutes. */
static bool
has_pam_quota(struct admission *admission, const struct applicant *applicant,
    struct mono now)
{
	const struct applicant *one;
	unsigned		unknown = 0, near = 0;

	LIST_FOREACH(one, &admission->applicants, entry) {
		if (!one->has_helper)
			continue;
		unknown += !one->from_known_address;
		near += addr_is_equal(&one->network, &applicant->network);
	}
	if (applicant->from_known_address)
		return near < PAM_NETWORK_KNOWN &&
		    bucket_take(&admission->pam_known, PAM_KNOWN_BURST,
			MONO_SEC / PAM_KNOWN_PER_SEC, now);
	return unknown < PAM_UNKNOWN && near < PAM_NETWORK_UNKNOWN &&
	    bucket_take(&admission->pam_unknown, PAM_UNKNOWN_BURST,
		MONO_SEC / PAM_UNKNOWN_PER_SEC, now);
}

/* One more of its three scores, or one less. */
static void
count(struct admission *admission, const struct applicant *applicant,
    const char *site, int by, struct mono now)
{
	for (enum kind kind = PAIR; kind < KINDS; kind++) {
		const struct rule      *rule = &rules[kind];
		struct admission_score *score = find(admission, kind, site,
		    &applicant->network, by > 0);
		unsigned attempts, sec;

		if (score == NULL || (by < 0 && attempts_of(score, now) == 0))
			continue;
		attempts = attempts_of(score, now) + (unsigned)by;
		sec = delay_sec(rule, attempts);
		score->forgotten = mono_add(now,
		    MONO_SEC * attempts * rule->max_sec);
		/* What is taken back shortens no other attempt's delay. */
		if (by > 0 || sec == 0)
			score->until = mono_add(now, MONO_SEC * sec);
	}
}

/* NULL: there is none.  `make`: there is, in the place of one of eight. */
static struct admission_score *
find(struct admission *admission, enum kind kind, const char *site,
    const struct addr *network, bool make)
{
	struct admission_score	key = { .kind = kind }, *set, *place;
	uint64_t		hash = mix(admission->seed, &kind, sizeof(kind));

	if (kind != NETWORK)
		strlcpy(key.site, site, sizeof(key.site));
	if (kind != SITE)
		key.network = *network;
	hash = mix(hash, key.site, strlen(key.site) + 1);
	hash = mix(hash, key.network.bytes, sizeof(key.network.bytes));
	place = set = &admission->scores[hash % SETS * WAYS];
	for (unsigned i = 0; i < WAYS; i++) {
		if (is_same(&set[i], &key))
			return &set[i];
		if (mono_sub(set[i].forgotten, place->forgotten) < 0)
			place = &set[i];
	}
	if (!make)
		return NULL;
	*place = key;
	return place;
}

static bool
is_same(const struct admission_score *a, const struct admission_score *b)
{
	return a->kind == b->kind && strcmp(a->site, b->site) == 0 &&
	    addr_is_equal(&a->network, &b->network);
}

/* One is forgotten in each of the rule's longest delays. */
static unsigned
attempts_of(const struct admission_score *score, struct mono now)
{
	return left(score->forgotten, MONO_SEC * rules[score->kind].max_sec,
	    now);
}

static unsigned
wait_of(const struct admission_score *score, struct mono now)
{
	return left(score->until, MONO_SEC, now);
}

static unsigned
delay_sec(const struct rule *rule, unsigned attempts)
{
	unsigned over = attempts > rule->free ? attempts - rule->free : 0;

	if (over == 0)
		return 0;
	return over > 16 || 1u << (over - 1) > rule->max_sec ?
	    rule->max_sec :
	    1u << (over - 1);
}

/* Until `end`, in whole units, rounded up. */
static unsigned
left(struct mono end, int64_t unit_us, struct mono now)
{
	int64_t us = mono_sub(end, now);

	return us <= 0 ? 0 : (unsigned)((us + unit_us - 1) / unit_us);
}
