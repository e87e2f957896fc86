/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/init_renew.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "cmd/options.h"
#include "cmd/own_ca.h"
#include "conf/conf.h"
#include "keeper/credentials.h"
#include "pki/ca.h"

#define WHO "init"

static bool renew_all(const struct conf *conf, const struct own_ca *ca);
static bool renew(const struct conf *conf, const struct own_ca *ca,
    const char *cert_name, const char *key_name);
static bool may_replace(const struct own_ca *ca, const char *path);
static bool sign_and_write(const struct conf *conf, const struct own_ca *ca,
    const struct ca_pem *key, const char *path);
static int  read_pem(struct ca_pem *pem, const char *path);

int
init_renew(const char *dir)
{
	char	     *path = file_join(dir, CONF_FILE);
	struct conf  *conf = path != NULL ? options_load_conf(path) : NULL;
	struct own_ca ca = { 0 };
	bool	      ok = conf != NULL;

	if (ok && conf->role != CONF_SERVER) {
		log_warnx(WHO ": %s is a satellite's; --renew is for the "
			  "primary site", path);
		ok = false;
	}
	ok = ok && own_ca_read(&ca, dir, WHO) && renew_all(conf, &ca);
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
		r = read_pem(&key, key_path);
	if (r < 0)
		log_warnx(WHO ": %s: %s", key_path != NULL ? key_path :
		    key_name, strerror(-r));
	else
		ok = may_replace(ca, cert_path) &&
		    sign_and_write(conf, ca, &key, cert_path);
	ca_pem_fini(&key);
	free(key_path);
	free(cert_path);
	return ok;
}

/* Whose CA is another one's, that one renews; what is missing may be made. */
static bool
may_replace(const struct own_ca *ca, const char *path)
{
	struct ca_pem old = { 0 };
	int	      r = read_pem(&old, path);
	bool	      ours = r == -ENOENT ||
	    (r == 0 && ca_has_made(&ca->cert, &old));

	if (r < 0 && r != -ENOENT)
		log_warnx(WHO ": %s: %s", path, strerror(-r));
	else if (!ours)
		log_warnx(WHO ": %s was not made by " OWN_CA_CERT ": renew it "
			  "where it comes from", path);
	ca_pem_fini(&old);
	return ours;
}

static bool
sign_and_write(const struct conf *conf, const struct own_ca *ca,
    const struct ca_pem *key, const char *path)
{
	struct ca_pem cert;
	struct tm     tm;
	time_t	      end;
	char	      until[16] = "";
	int	      r = ca_sign_server(&ca->cert, &ca->key, key, conf->name,
		  ca_now(), &cert);

	if (r == 0)
		r = file_write(path, cert.text, cert.len, 0644, (uid_t)-1,
		    (gid_t)-1);
	end = r == 0 ? ca_end(&cert) : 0;
	if (end > 0 && gmtime_r(&end, &tm) != NULL)
		strftime(until, sizeof(until), "%Y-%m-%d", &tm);
	if (r == 0)
		printf("%s is renewed, for %s until %s; a daemon that runs "
		       "uses it from now on\n", path, conf->name, until);
	else
		log_warnx(WHO ": %s: %s", path, r == -EINVAL ?
			OWN_CA_KEY " is not the key of " OWN_CA_CERT :
			strerror(-r));
	ca_pem_fini(&cert);
	return r == 0;
}

static int
read_pem(struct ca_pem *pem, const char *path)
{
	int r = file_read(path, CA_PEM_MAX, &pem->text, &pem->len);

	if (r < 0)
		*pem = (struct ca_pem) { 0 };
	return r;
}
