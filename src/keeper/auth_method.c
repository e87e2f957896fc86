/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "keeper/auth_method.h"

#include "keeper/auth_password.h"
#include "keeper/auth_srp.h"

static int make_password(const char *site, const char *password, char *line,
    size_t size);
static bool is_srp(const char *line);

const struct auth_method *
auth_method_find(enum conf_auth auth)
{
	static const struct auth_method srp = { auth_srp_make, is_srp, NULL,
		NULL };
	static const struct auth_method password = { make_password,
		auth_password_is_hash, NULL, NULL };
	static const struct auth_method *const methods[CONF_AUTHS] = {
		[CONF_AUTH_SRP] = &srp,
		[CONF_AUTH_PASSWORD] = &password,
#ifdef HAVE_TLS_SRP
		[CONF_AUTH_TLS_SRP] = &auth_method_tls_srp,
#endif
	};

	return methods[auth];
}

static int
make_password(const char *site, const char *password, char *line, size_t size)
{
	return auth_password_hash(password, line, size);
}

static bool
is_srp(const char *line)
{
	struct auth_srp_verifier verifier;

	return auth_srp_parse(&verifier, line);
}
