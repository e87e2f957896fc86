/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/init_renew.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/util/must.h"
#include "cmd/util/options.h"
#include "cmd/site/own_ca.h"
#include "cmd/util/file_txn.h"
#include "conf/conf.h"
#include "control/expiry.h"
#include "keeper/credentials.h"
#include "pki/ca.h"

#define WHO "init"

static bool renew_all(const struct conf *conf, const struct own_ca *ca);
static bool renew(const struct conf *conf, const struct own_ca *ca,
    const char *cert_name, const char *key_name);
static bool may_replace(const struct conf *conf, const struct own_ca *ca,
    const char *path);
static void warn_of_lost_names(const struct conf *conf,
    const struct ca_pem *old, const char *path);
static bool sign_and_write(const struct conf *conf, const struct own_ca *ca,
    const struct ca_pem *key, const char *path);

int
init_renew(const struct options *options)
{
	AUTO(own_ca_fini) struct own_ca ca = { 0 };
	AUTO_FREE char *path = options_config(options);
	CONF_AUTO_FREE *conf = options_load(path, CONF_LOAD_LIVE);
	sigset_t	before;
	bool		ok;

	if (conf == NULL)
		return 1;
	if (conf->role != CONF_SERVER) {
		log_warnx(WHO ": %s is a site's; --renew is for the hub", path);
		return 1;
	}
	file_txn_hold_signals(&before);
	ok = own_ca_read(&ca, options->dir, WHO) && renew_all(conf, &ca);
	file_txn_release_signals(&before);
	return ok ? 0 : 1;
}

static bool
renew_all(const struct conf *conf, const struct own_ca *ca)
{
	return renew(conf, ca, conf->certificate,
		   CONF_KEEPER_DIR "/" CREDENTIALS_KEY) &&
	    (own_ca_lacks_rsa(conf) ||
		renew(conf, ca, conf->certificate_rsa,
		    CONF_KEEPER_DIR "/" CREDENTIALS_RSA_KEY));
}

static bool
renew(const struct conf *conf, const struct own_ca *ca, const char *cert_name,
    const char *key_name)
{
	AUTO(ca_pem_fini) struct ca_pem key = { 0 };
	AUTO_FREE char *path = must(file_join(conf->dir, cert_name));
	int		r = own_ca_read_pem(&key, conf->dir, key_name, CA_PEM_MAX);

	if (r == 0)
		return may_replace(conf, ca, path) &&
		    sign_and_write(conf, ca, &key, path);
	log_warnx(WHO ": %s/%s: %s", conf->dir, key_name, strerror(-r));
	return false;
}

/*
 * A certificate of another CA is renewed there; a missing one may be created.
 */
static bool
may_replace(const struct conf *conf, const struct own_ca *ca, const char *path)
{
	AUTO(ca_pem_fini) struct ca_pem old = { 0 };
	int r = own_ca_read_pem(&old, conf->dir, path, CA_PEM_MAX);

	if (r == -ENOENT)
		return true;
	if (r < 0) {
		log_warnx(WHO ": %s: %s", path, strerror(-r));
		return false;
	}
	if (!ca_has_made(&ca->cert, &old)) {
		log_warnx(WHO ": %s was not made by " OWN_CA_CERT ": renew it "
			  "where it comes from", path);
		return false;
	}
	warn_of_lost_names(conf, &old, path);
	return true;
}

/* Each site verifies the name with which it joined. */
static void
warn_of_lost_names(const struct conf *conf, const struct ca_pem *old,
    const char *path)
{
	char	 name[CA_NAME_SIZE];
	unsigned i = 0;

	while (own_ca_lost_name(conf, old, &i, name))
		log_warnx(WHO ": %s was also for %s: sites that use that name "
			  "will refuse this hub; to keep them, add the line "
			  "\"name = %s\" below the first name, and renew again",
		    path, name, name);
}

static bool
sign_and_write(const struct conf *conf, const struct own_ca *ca,
    const struct ca_pem *key, const char *path)
{
	AUTO(ca_pem_fini) struct ca_pem cert = { 0 };
	char	      until[16];
	int	      r = ca_sign_server(&ca->cert, &ca->key, key,
		  conf->names.v, conf->names.n, ca_now(), &cert);

	if (r == 0)
		r = file_write(path, cert.text, cert.len, 0644, (uid_t)-1,
		    (gid_t)-1);
	if (r == 0) {
		printf("%s is renewed, for %s", path, conf->names.v[0]);
		for (size_t i = 1; i < conf->names.n; i++)
			printf(", %s", conf->names.v[i]);
		printf(" until %s; a running daemon uses it from now on\n",
		    expiry_date(ca_end(&cert), until, sizeof(until)));
	} else {
		log_warnx(WHO ": %s: %s", path, r == -EINVAL ?
			OWN_CA_KEY " is not the key of " OWN_CA_CERT :
			strerror(-r));
	}
	return r == 0;
}
