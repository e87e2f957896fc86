/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/init_renew.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
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
	char	     *path = options_config(options);
	struct conf  *conf = path != NULL ? options_load(path, conf_load_live) : NULL;
	struct own_ca ca = { 0 };
	sigset_t      before;
	bool	      ok = conf != NULL;

	if (ok && conf->role != CONF_SERVER) {
		log_warnx(WHO ": %s is a satellite's; --renew is for the "
			  "primary site", path);
		ok = false;
	}
	file_txn_hold_signals(&before);
	ok = ok && own_ca_read(&ca, options->dir, WHO) && renew_all(conf, &ca);
	file_txn_release_signals(&before);
	own_ca_fini(&ca);
	conf_free(conf);
	free(path);
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
	char	     *cert_path = file_join(conf->dir, cert_name);
	char	     *key_path = file_join(conf->dir, key_name);
	struct ca_pem key = { 0 };
	int	      r = -ENOMEM;
	bool	      ok = false;

	if (cert_path != NULL && key_path != NULL)
		r = own_ca_read_pem(&key, conf->dir, key_name, CA_PEM_MAX);
	if (r < 0)
		log_warnx(WHO ": %s: %s", key_path != NULL ? key_path :
		    key_name, strerror(-r));
	else
		ok = may_replace(conf, ca, cert_path) &&
		    sign_and_write(conf, ca, &key, cert_path);
	ca_pem_fini(&key);
	free(key_path);
	free(cert_path);
	return ok;
}

/* Whose CA is another one's, that one renews; what is missing may be made. */
static bool
may_replace(const struct conf *conf, const struct own_ca *ca, const char *path)
{
	struct ca_pem old = { 0 };
	int	      r = own_ca_read_pem(&old, conf->dir, path,
			  CA_PEM_MAX);
	bool	      ours = r == -ENOENT ||
	    (r == 0 && ca_has_made(&ca->cert, &old));

	if (r < 0 && r != -ENOENT)
		log_warnx(WHO ": %s: %s", path, strerror(-r));
	else if (!ours)
		log_warnx(WHO ": %s was not made by " OWN_CA_CERT ": renew it "
			  "where it comes from", path);
	else if (r == 0)
		warn_of_lost_names(conf, &old, path);
	ca_pem_fini(&old);
	return ours;
}

/* Each site verifies the name that it joined with. */
static void
warn_of_lost_names(const struct conf *conf, const struct ca_pem *old,
    const char *path)
{
	char	 name[CA_NAME_SIZE];
	unsigned i = 0;

	while (own_ca_lost_name(conf, old, &i, name))
		log_warnx(WHO ": %s was for %s, too: sites that know this hub "
			  "by that name will refuse it; to keep them, add the "
			  "line \"name = %s\" below the first name, and renew "
			  "again", path, name, name);
}

static bool
sign_and_write(const struct conf *conf, const struct own_ca *ca,
    const struct ca_pem *key, const char *path)
{
	struct ca_pem cert;
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
		printf(" until %s; a daemon that runs uses it from now on\n",
		    expiry_date(ca_end(&cert), until, sizeof(until)));
	} else {
		log_warnx(WHO ": %s: %s", path, r == -EINVAL ?
			OWN_CA_KEY " is not the key of " OWN_CA_CERT :
			strerror(-r));
	}
	ca_pem_fini(&cert);
	return r == 0;
}
