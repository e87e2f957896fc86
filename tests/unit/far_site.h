/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * far_site: scripted sites at a hub that knows one of each method, and one
 * that is disabled.
 */
#ifndef FAR_SITE_H
#define FAR_SITE_H

#include "far_end.h"

static struct far far, other;

/* Nobody is held off for what another connection did. */
static inline const char *
fresh_address(void)
{
	static char	text[32];
	static unsigned n;

	n++;
	snprintf(text, sizeof(text), "127.0.1.%u", n % 250 + 1);
	return text;
}

static inline void
put_sites(void)
{
	put_site("berlin", CONF_AUTH_SRP, "");
	put_site("oslo", CONF_AUTH_PASSWORD, "");
	put_site("wien", CONF_AUTH_CERTIFICATE, "");
	put_site("rome", CONF_AUTH_PAM, "");
	put_site("off", CONF_AUTH_SRP, "disabled = yes\n");
	put_credential("berlin", CONF_AUTH_SRP, PASSWORD);
	put_credential("oslo", CONF_AUTH_PASSWORD, PASSWORD);
	put_credential("rome", CONF_AUTH_PAM, PASSWORD);
	put_credential("off", CONF_AUTH_SRP, PASSWORD);
}

static inline void
setup(void)
{
	login_setup();
	put_sites();
}

static inline void
teardown(void)
{
	far_close(&far);
	far_close(&other);
	login_teardown();
}

/* TLS is up, nothing was said. */
static inline void
begin(void)
{
	far_close(&far);
	far_site(&far, fresh_address());
	ck_assert(far_shake(&far));
}

/* By SRP; the welcome is in far->heard. */
static inline void
log_in(struct far *one, const struct message *hello)
{
	far_close(one);
	ck_assert_int_eq(far_log_in(one, fresh_address(), hello->site, PASSWORD,
	    hello), MESSAGE_WELCOME);
}

/* As far->heard says; a hello by it. */
static inline struct message
hello_again(const struct message *welcome, const char *name, enum conf_auth auth)
{
	struct message hello = hello_of(name, auth);

	memcpy(hello.token, welcome->token, welcome->token_len);
	hello.token_len = welcome->token_len;
	return hello;
}

/* Says hello and the right proof; what is heard then. */
static inline enum message_type
resume(struct far *one, const struct message *hello, const uint8_t secret[32])
{
	struct message proof = { .type = MESSAGE_RESPONSE, .has_proof = true };
	uint8_t	       binding[32];

	far_close(one);
	far_site(one, fresh_address());
	ck_assert(far_shake(one));
	far_say(one, hello);
	far_binding(one, binding);
	far_prove(secret, "tombolo resume site", binding, one->hello, proof.proof);
	far_prove(secret, "tombolo resume server", binding, one->hello, one->m2);
	far_say(one, &proof);
	return far_hears(one);
}

static inline bool
nobody_is_up(void)
{
	return strcmp(status(&hub, "sites_connected"), "0") == 0 &&
	    counter(&hub, "site-frames-in") == 0;
}

#endif /* FAR_SITE_H */
