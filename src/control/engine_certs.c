/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/engine_certs.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/ask/sign_ask.h"

static const struct {
	const char	*name; /* the key of the configuration */
	size_t		 path; /* and its value */
	bool		 is_chain;
	enum request_key key;
} kinds[REQUEST_CERTS_KINDS] = {
#define PATH(member) offsetof(struct conf, member)
	[REQUEST_CERTS_CHAIN] = { "certificate", PATH(certificate), true,
	    REQUEST_KEY_MAIN },
	[REQUEST_CERTS_CHAIN_RSA] = { "certificate-rsa",
	    PATH(certificate_rsa), true, REQUEST_KEY_RSA },
	[REQUEST_CERTS_SITE_CA] = { "site-ca", PATH(site_ca), false, 0 },
	[REQUEST_CERTS_CRL] = { "crl", PATH(crl), false, 0 },
	[REQUEST_CERTS_CA] = { "ca", PATH(ca), false, 0 },
	[REQUEST_CERTS_SITE] = { "certificate", PATH(site_certificate),
	    true, REQUEST_KEY_MAIN },
#undef PATH
};

static void take(struct engine_certs *certs, enum request_certs kind);
static void take_kept(struct engine_certs *certs, enum request_certs kind);
static bool understand(const struct engine_certs *certs,
    enum request_certs kind,
    struct engine_certs_one *one, char why[REQUEST_WHY_SIZE]);
static bool understand_chain(const struct engine_certs *certs,
    enum request_certs kind, const struct ca_pem *text,
    struct engine_certs_one *one, char why[REQUEST_WHY_SIZE]);
static bool understand_list(const struct engine_certs *certs,
    const struct startup_text *text, char why[REQUEST_WHY_SIZE]);
static void note(struct engine_certs *certs, enum request_certs kind,
    const char *why);
static struct ca_pem borrow(const struct startup_text *text);

void
engine_certs_start(struct engine_certs *certs, struct startup_recv *startup,
    enum request_certs own)
{
	for (unsigned i = 0; i < REQUEST_CERTS_KINDS; i++) {
		enum request_certs kind = (enum request_certs)i;

		certs->of[i].next = startup->certs[i];
		startup->certs[i] = (struct startup_text) { 0 };
		take(certs, kind);
		/* Its file cannot even be read. */
		if (kind == own && certs->of[i].next.text == NULL &&
		    certs->of[i].now.text.text == NULL)
			take_kept(certs, kind);
	}
}

void
engine_certs_go(struct engine_certs *certs)
{
	certs->started = true;
}

void
engine_certs_fini(struct engine_certs *certs)
{
	for (unsigned i = 0; i < REQUEST_CERTS_KINDS; i++) {
		free(certs->of[i].now.text.text);
		free(certs->of[i].next.text);
	}
}

void
engine_certs_offer(struct engine_certs *certs, enum request_certs kind,
    struct startup_text text, bool trouble)
{
	struct startup_text     *next = &certs->of[kind].next;

	free(next->text);
	*next = (struct startup_text) { 0 };
	if (trouble) {
		note(certs, kind, text.text);
		free(text.text);
		return;
	}
	*next = text;
	take(certs, kind);
	/* A list that came before its CA. */
	if (kind == REQUEST_CERTS_SITE_CA && next->text == NULL)
		take(certs, REQUEST_CERTS_CRL);
}

void
engine_certs_retry(struct engine_certs *certs)
{
	for (unsigned i = 0; i < REQUEST_CERTS_KINDS; i++)
		take(certs, (enum request_certs)i);
}

struct ca_pem
engine_certs_pem(const struct engine_certs *certs, enum request_certs kind)
{
	return borrow(&certs->of[kind].now.text);
}

gnutls_privkey_t
engine_certs_key(const struct engine_certs *certs, enum request_certs kind)
{
	const struct engine_certs_one *now = &certs->of[kind].now;

	if (now->text.text == NULL)
		return NULL;
	return sign_ask_privkey(certs->sign, kinds[kind].key, &now->key);
}

time_t
engine_certs_begin(const struct engine_certs *certs, enum request_certs kind)
{
	struct ca_pem now = engine_certs_pem(certs, kind);

	return now.len > 0 ? ca_begin(&now) : 0;
}

time_t
engine_certs_end(const struct engine_certs *certs, enum request_certs kind,
    time_t *life)
{
	struct ca_pem now = engine_certs_pem(certs, kind);

	if (kind == REQUEST_CERTS_CRL)
		return crl_end(now.text, now.len, life);
	return now.len > 0 ? ca_end(&now) : 0;
}

const char *
engine_certs_trouble(const struct engine_certs *certs,
    enum request_certs kind)
{
	return certs->of[kind].trouble;
}

void
engine_certs_crl_digest(const struct engine_certs *certs,
    char digest[CRL_DIGEST_SIZE])
{
	const struct startup_text *list =
	    &certs->of[REQUEST_CERTS_CRL].now.text;

	digest[0] = '\0';
	if (list->text != NULL)
		crl_digest(list->text, list->len, digest);
}

/* What waits, if it can be put in force now. */
static void
take(struct engine_certs *certs, enum request_certs kind)
{
	struct startup_text *next = &certs->of[kind].next;
	struct engine_certs_one *now = &certs->of[kind].now, old = *now, fresh;
	char		  why[REQUEST_WHY_SIZE] = "";

	if (next->text == NULL)
		return;
	if (!understand(certs, kind, &fresh, why)) {
		if (kinds[kind].is_chain && !certs->started &&
		    now->text.text == NULL)
			take_kept(certs, kind);
		note(certs, kind, why);
		return;
	}
	*now = fresh;
	if (certs->started && !startup_text_is_same(&fresh.text, &old.text) &&
	    !certs->apply(certs->arg, kind, why)) {
		*now = old;
		free(fresh.text.text);
		note(certs, kind, why);
		return;
	}
	free(old.text.text);
	free(next->text);
	next->text = NULL;
	/* The key's file may be another one's although the chain is good. */
	note(certs, kind, why);
	certs->in_force(certs->arg, kind, next->number);
}

/* In the place of what waits, which goes on to. */
static void
take_kept(struct engine_certs *certs, enum request_certs kind)
{
	struct ca_pem	 kept = { 0 };
	struct engine_certs_one one;
	char		 why[REQUEST_WHY_SIZE];

	if (sign_ask_kept(certs->sign, kinds[kind].key, &kept, why) == 0 &&
	    understand_chain(certs, kind, &kept, &one, why))
		certs->of[kind].now = one;
	ca_pem_fini(&kept);
}

/* What waits; `one` is the caller's. */
static bool
understand(const struct engine_certs *certs, enum request_certs kind,
    struct engine_certs_one *one, char why[REQUEST_WHY_SIZE])
{
	const struct startup_text *next = &certs->of[kind].next;
	struct ca_pem		text = borrow(next);

	if (kinds[kind].is_chain)
		return understand_chain(certs, kind, &text, one, why);
	if (kind == REQUEST_CERTS_CRL) {
		if (!understand_list(certs, next, why))
			return false;
	} else if (next->len > 0 && !keypair_is_ca(&text)) {
		strlcpy(why, "has no certificate of a CA in it; restore it",
		    REQUEST_WHY_SIZE);
		return false;
	}
	*one = (struct engine_certs_one) {
		.text = { strndup(next->text, next->len), next->len, 0 } };
	if (one->text.text == NULL)
		strlcpy(why, "out of memory", REQUEST_WHY_SIZE);
	return one->text.text != NULL;
}

static bool
understand_chain(const struct engine_certs *certs, enum request_certs kind,
    const struct ca_pem *text, struct engine_certs_one *one,
    char why[REQUEST_WHY_SIZE])
{
	struct ca_pem clean;

	if (!keypair_read_chain(text->text, text->len, &one->key, &clean, why))
		return false;
	if (sign_ask_prove(certs->sign, kinds[kind].key, &clean, why) < 0) {
		ca_pem_fini(&clean);
		return false;
	}
	one->text = (struct startup_text) { clean.text, clean.len, 0 };
	return true;
}

/*
 * Who never had a list need not have one; but one that was there, or that should
 * have been read at the start, has to be there.
 */
static bool
understand_list(const struct engine_certs *certs, const struct startup_text *text,
    char why[REQUEST_WHY_SIZE])
{
	const struct startup_text *now = &certs->of[REQUEST_CERTS_CRL].now.text;
	struct ca_pem ca = borrow(&certs->of[REQUEST_CERTS_SITE_CA].now.text);
	struct ca_pem old = borrow(now), fresh = borrow(text);
	const char   *reason = NULL;

	if (text->len == 0 &&
	    (now->len > 0 || (certs->started && now->text == NULL)))
		reason = "the file is missing or empty";
	else if (text->len > 0)
		reason = ca.len == 0 ? "there is no site-ca to verify it" :
				       crl_why_not(&ca, &old, &fresh);
	if (reason != NULL)
		strlcpy(why, reason, REQUEST_WHY_SIZE);
	return reason == NULL;
}

/* Logs what is news. */
static void
note(struct engine_certs *certs, enum request_certs kind, const char *why)
{
	char *trouble = certs->of[kind].trouble, text[REQUEST_WHY_SIZE] = "";
	const char *path = *(char *const *)(const void *)(
	    (const char *)*certs->conf + kinds[kind].path);
	/* It may be about the key's file. */
	bool named = why[0] == '/' || strncmp(why, CONF_KEEPER_DIR "/",
	    strlen(CONF_KEEPER_DIR "/")) == 0;

	if (why[0] != '\0')
		snprintf(text, sizeof(text), "%s: %.120s%s%.300s; %s",
		    kinds[kind].name, named ? "" : path, named ? "" : ": ", why,
		    certs->of[kind].now.text.text != NULL ?
			"the last good one stays in force" :
		    kind == REQUEST_CERTS_CRL ?
			"logins by certificate are refused until this is fixed" :
		    kind == REQUEST_CERTS_SITE ?
			"join again with its invitation" :
			"there is none in force");
	if (strcmp(trouble, text) == 0)
		return;
	strlcpy(trouble, text, REQUEST_WHY_SIZE);
	if (text[0] != '\0')
		log_warnx("%s", text);
}

static struct ca_pem
borrow(const struct startup_text *text)
{
	return (struct ca_pem) { .text = text->text, .len = text->len };
}
