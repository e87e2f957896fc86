/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_credential.h"

#include <errno.h>
#include <string.h>

#include <bsd/string.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"
#include "cmd/site/own_ca.h"
#include "keeper/auth_method.h"
#include "pki/invite.h"

#define RANDOM_LEN 16 /* bytes of a PAM site's line */

static bool get_password(char *dst, const struct options *options,
    const struct conf_site *site, const char *who);
static bool make_line(struct site_credential *credential,
    const struct conf_site *site, const char *who);
static void make_random(char line[SITE_CREDENTIAL_LINE]);
static bool issue(struct site_credential *credential, const struct conf *conf,
    const struct conf_site *site, const char *who);

bool
site_credential_make(struct site_credential *credential,
    const struct options *options, const struct conf *conf,
    const struct conf_site *site, const char *who)
{
	bool ok;

	*credential = (struct site_credential) { 0 };
	if (site->auth == CONF_AUTH_CERTIFICATE)
		return issue(credential, conf, site, who);
	ok = get_password(credential->secret, options, site, who) &&
	    make_line(credential, site, who);
	/* Whoever typed it knows it; PAM's is kept only for the invitation. */
	if (!ok || (!options->generate && site->auth != CONF_AUTH_PAM))
		secret_wipe(credential->secret, sizeof(credential->secret));
	return ok;
}

void
site_credential_fini(struct site_credential *credential)
{
	ca_pem_fini(&credential->cert);
	ca_pem_fini(&credential->key);
	secret_wipe(credential, sizeof(*credential));
}

bool
site_credential_is_our_ca(const struct conf *conf)
{
	return strcmp(conf->site_ca, OWN_CA_CERT) == 0;
}

static bool
get_password(char *dst, const struct options *options,
    const struct conf_site *site, const char *who)
{
	if (options->generate) {
		invite_draw_secret(dst, PASSWORD_SIZE);
		return true;
	}
	/* PAM has it already, or asks for something else each time. */
	if (site->auth == CONF_AUTH_PAM && options->password_file == NULL)
		return true;
	return password_read(dst, options->password_file, site->name,
	    PASSWORD_TWICE, who);
}

static bool
make_line(struct site_credential *credential, const struct conf_site *site,
    const char *who)
{
	const struct auth_method *method = auth_method_find(site->auth);
	int r = 0;

	if (method == NULL)
		make_random(credential->line);
	else
		r = method->make(site->name, credential->secret,
		    credential->line, sizeof(credential->line) - 1);
	if (r < 0) {
		log_warnx("%s: the password cannot be hashed: %s", who,
		    strerror(-r));
		return false;
	}
	strlcat(credential->line, "\n", sizeof(credential->line));
	return true;
}

static void
make_random(char line[SITE_CREDENTIAL_LINE])
{
	unsigned char drawn[RANDOM_LEN];

	secret_random(drawn, sizeof(drawn));
	hex_encode(line, drawn, sizeof(drawn));
	secret_wipe(drawn, sizeof(drawn));
}

static bool
issue(struct site_credential *credential, const struct conf *conf,
    const struct conf_site *site, const char *who)
{
	AUTO(own_ca_fini) struct own_ca ca = { 0 };
	int r;

	if (!site_credential_is_our_ca(conf))
		return true;
	if (!own_ca_read(&ca, conf->dir, who))
		return false;
	r = ca_make_key(&credential->key);
	if (r == 0)
		r = ca_sign_site(&ca.cert, &ca.key, &credential->key,
		    site->name, ca_now(), &credential->cert);
	if (r < 0)
		log_warnx("%s: the certificate cannot be made: %s", who,
		    r == -EINVAL ? OWN_CA_KEY " is not the key of " OWN_CA_CERT :
				   strerror(-r));
	return r == 0;
}
