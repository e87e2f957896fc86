/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "keeper/keeper_ask.h"

/* The key of the configuration that names its file. */
static const char *const names[REQUEST_MATERIALS] = {
	[REQUEST_MATERIAL_CHAIN] = "certificate",
	[REQUEST_MATERIAL_CHAIN_RSA] = "certificate-rsa",
	[REQUEST_MATERIAL_SITE_CA] = "site-ca",
	[REQUEST_MATERIAL_CRL] = "crl",
	[REQUEST_MATERIAL_CA] = "ca",
	[REQUEST_MATERIAL_SITE] = "certificate",
};

static void take(struct certs *certs, enum request_material kind);
static void take_kept(struct certs *certs, enum request_material kind);
static bool understand(struct certs *certs, enum request_material kind,
    struct gift_text *text, struct keypair_public *key,
    char why[REQUEST_WHY_SIZE]);
static bool understand_chain(struct certs *certs, enum request_material kind,
    struct gift_text *text, struct keypair_public *key,
    char why[REQUEST_WHY_SIZE]);
static bool understand_list(const struct certs *certs,
    const struct gift_text *text, char why[REQUEST_WHY_SIZE]);
static void note(struct certs *certs, enum request_material kind,
    const char *why);
static bool is_same(const struct gift_text *a, const struct gift_text *b);
static bool is_chain(enum request_material kind);
static enum request_key key_of(enum request_material kind);
static struct ca_pem borrow(const struct gift_text *text);

void
certs_start(struct certs *certs, struct gift *gift)
{
	for (unsigned i = 0; i < REQUEST_MATERIALS; i++) {
		enum request_material kind = (enum request_material)i;

		certs->of[i].next = gift->material[i];
		gift->material[i] = (struct gift_text) { 0 };
		take(certs, kind);
		if (is_chain(kind) && certs->of[i].now.text == NULL &&
		    (certs->of[i].next.text != NULL || kind == certs->own))
			take_kept(certs, kind);
	}
}

void
certs_go(struct certs *certs)
{
	certs->started = true;
}

void
certs_fini(struct certs *certs)
{
	for (unsigned i = 0; i < REQUEST_MATERIALS; i++) {
		free(certs->of[i].now.text);
		free(certs->of[i].next.text);
	}
}

void
certs_offer(struct certs *certs, struct gift_material *material)
{
	enum request_material kind = material->kind;
	struct gift_text     *next = &certs->of[kind].next;

	free(next->text);
	*next = (struct gift_text) { 0 };
	if (material->trouble) {
		note(certs, kind, material->text.text);
		return;
	}
	*next = material->text;
	material->text.text = NULL;
	take(certs, kind);
	/* A list that came before its CA. */
	if (kind == REQUEST_MATERIAL_SITE_CA && next->text == NULL)
		take(certs, REQUEST_MATERIAL_CRL);
}

void
certs_retry(struct certs *certs)
{
	for (unsigned i = 0; i < REQUEST_MATERIALS; i++)
		take(certs, (enum request_material)i);
}

struct tls_pem
certs_pem(const struct certs *certs, enum request_material kind)
{
	const struct gift_text *text = &certs->of[kind].now;

	return (struct tls_pem) { text->text, text->len };
}

gnutls_privkey_t
certs_key(const struct certs *certs, enum request_material kind)
{
	if (certs->of[kind].now.text == NULL)
		return NULL;
	return keeper_ask_privkey(certs->keeper, key_of(kind),
	    &certs->of[kind].key);
}

const char *
certs_trouble(const struct certs *certs, enum request_material kind)
{
	return certs->of[kind].trouble;
}

void
certs_crl_digest(const struct certs *certs, char digest[CRL_DIGEST_SIZE])
{
	const struct gift_text *list = &certs->of[REQUEST_MATERIAL_CRL].now;

	digest[0] = '\0';
	if (list->text != NULL)
		crl_digest(list->text, list->len, digest);
}

/* What waits, if it can be put in force now. */
static void
take(struct certs *certs, enum request_material kind)
{
	struct gift_text      *next = &certs->of[kind].next;
	struct gift_text       fresh = { 0 }, old = certs->of[kind].now;
	struct keypair_public *key = &certs->of[kind].key, old_key = *key;
	char		       why[REQUEST_WHY_SIZE] = "";

	if (next->text == NULL)
		return;
	if (!understand(certs, kind, &fresh, key, why)) {
		*key = old_key;
		note(certs, kind, why);
		return;
	}
	certs->of[kind].now = fresh;
	if (certs->started && !is_same(&fresh, &old) &&
	    !certs->apply(certs->arg, why)) {
		certs->of[kind].now = old;
		*key = old_key;
		free(fresh.text);
		note(certs, kind, why);
		return;
	}
	free(old.text);
	free(next->text);
	next->text = NULL;
	/* The key's file may be another one's although the chain is good. */
	note(certs, kind, why);
	certs->in_force(certs->arg, kind, next->number);
}

/* What waits goes on waiting. */
static void
take_kept(struct certs *certs, enum request_material kind)
{
	struct gift_text waiting = certs->of[kind].next;
	struct ca_pem	 chain = { 0 };
	char		 why[REQUEST_WHY_SIZE];
	struct gift_text fresh;

	if (keeper_ask_kept(certs->keeper, key_of(kind), &chain, why) < 0)
		return;
	certs->of[kind].next = (struct gift_text) { chain.text, chain.len, 0 };
	if (understand_chain(certs, kind, &fresh, &certs->of[kind].key, why))
		certs->of[kind].now = fresh;
	ca_pem_fini(&chain);
	certs->of[kind].next = waiting;
	/* Again, for the log: now there is one in force. */
	take(certs, kind);
}

/* `text` is the caller's. */
static bool
understand(struct certs *certs, enum request_material kind,
    struct gift_text *text, struct keypair_public *key,
    char why[REQUEST_WHY_SIZE])
{
	const struct gift_text *next = &certs->of[kind].next;

	if (is_chain(kind))
		return understand_chain(certs, kind, text, key, why);
	if (kind == REQUEST_MATERIAL_CRL && !understand_list(certs, next, why))
		return false;
	*text = (struct gift_text) { strndup(next->text, next->len), next->len,
		0 };
	if (text->text == NULL)
		strlcpy(why, "out of memory", REQUEST_WHY_SIZE);
	return text->text != NULL;
}

static bool
understand_chain(struct certs *certs, enum request_material kind,
    struct gift_text *text, struct keypair_public *key,
    char why[REQUEST_WHY_SIZE])
{
	const struct gift_text *next = &certs->of[kind].next;
	struct ca_pem		clean;

	if (!keypair_read_chain(next->text, next->len, key, &clean, why))
		return false;
	if (keeper_ask_prove(certs->keeper, key_of(kind), &clean, why) < 0) {
		ca_pem_fini(&clean);
		return false;
	}
	*text = (struct gift_text) { clean.text, clean.len, 0 };
	return true;
}

/*
 * Who never had a list need not have one; but one that was there, or that should
 * have been read at the start, has to be there.
 */
static bool
understand_list(const struct certs *certs, const struct gift_text *text,
    char why[REQUEST_WHY_SIZE])
{
	const struct gift_text *now = &certs->of[REQUEST_MATERIAL_CRL].now;
	struct ca_pem ca = borrow(&certs->of[REQUEST_MATERIAL_SITE_CA].now);
	struct ca_pem old = borrow(now), fresh = borrow(text);
	const char   *reason = NULL;

	if (text->len == 0 &&
	    (now->len > 0 || (certs->started && now->text == NULL)))
		reason = "the file is missing or empty";
	else if (text->len > 0)
		reason = ca.len == 0 ? "there is no site-ca to verify it by" :
				       crl_why_not(&ca, &old, &fresh);
	if (reason != NULL)
		strlcpy(why, reason, REQUEST_WHY_SIZE);
	return reason == NULL;
}

/* Logs what is news. */
static void
note(struct certs *certs, enum request_material kind, const char *why)
{
	char *trouble = certs->of[kind].trouble, text[REQUEST_WHY_SIZE] = "";

	if (why[0] != '\0')
		snprintf(text, sizeof(text), "%s: %.350s; %s", names[kind], why,
		    certs->of[kind].now.text != NULL ?
			"the last good one stays in force" :
		    kind == REQUEST_MATERIAL_CRL ?
			"sites' certificates are refused until there is one" :
			"there is none in force");
	if (strcmp(trouble, text) == 0)
		return;
	strlcpy(trouble, text, REQUEST_WHY_SIZE);
	if (text[0] != '\0')
		log_warnx("%s", text);
}

static bool
is_same(const struct gift_text *a, const struct gift_text *b)
{
	return b->text != NULL && a->len == b->len &&
	    memcmp(a->text, b->text, a->len) == 0;
}

static bool
is_chain(enum request_material kind)
{
	return kind == REQUEST_MATERIAL_CHAIN ||
	    kind == REQUEST_MATERIAL_CHAIN_RSA || kind == REQUEST_MATERIAL_SITE;
}

static enum request_key
key_of(enum request_material kind)
{
	return kind == REQUEST_MATERIAL_CHAIN_RSA ? REQUEST_KEY_RSA :
						    REQUEST_KEY_MAIN;
}

static struct ca_pem
borrow(const struct gift_text *text)
{
	return (struct ca_pem) { .text = text->text, .len = text->len };
}
