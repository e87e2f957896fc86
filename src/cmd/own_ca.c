/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/own_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cmd/site_file.h"
#include "keeper/credentials.h"
#include "pki/crl.h"

#define DEFAULT_CRL "crl.pem"
#define RSA_KEY	    CONF_KEEPER_DIR "/" CREDENTIALS_RSA_KEY

static bool revoke_file(const char *dir, const char *crl,
    const char *cert_name, const char *who);
static bool is_missing(const char *dir, const char *name);
static bool is_named(const struct conf *conf, const char *name);

bool
own_ca_read(struct own_ca *ca, const char *dir, const char *who)
{
	int r;

	*ca = (struct own_ca) { 0 };
	if (!own_ca_read_cert(&ca->cert, dir, who))
		return false;
	r = own_ca_read_pem(&ca->key, dir, OWN_CA_KEY, CA_PEM_MAX);
	if (r == 0)
		return true;
	log_warnx("%s: %s/%s: %s; this needs the CA's key, put it there for it",
	    who, dir, OWN_CA_KEY, strerror(-r));
	own_ca_fini(ca);
	return false;
}

bool
own_ca_read_cert(struct ca_pem *cert, const char *dir, const char *who)
{
	int r = own_ca_read_pem(cert, dir, OWN_CA_CERT, CA_PEM_MAX);

	if (r == 0 && ca_is_ca(cert->text, cert->len))
		return true;
	log_warnx("%s: %s/%s: %s", who, dir, OWN_CA_CERT, r < 0 ?
		strerror(-r) : "expected one CA certificate in PEM");
	ca_pem_fini(cert);
	return false;
}

void
own_ca_fini(struct own_ca *ca)
{
	ca_pem_fini(&ca->key);
	ca_pem_fini(&ca->cert);
}

int
own_ca_read_pem(struct ca_pem *pem, const char *dir, const char *name, size_t max)
{
	char *path = file_join(dir, name);
	int   r = path == NULL ? -ENOMEM :
				 file_read(path, max, &pem->text, &pem->len);

	if (r < 0)
		*pem = (struct ca_pem) { 0 };
	free(path);
	return r;
}

bool
own_ca_revoke(const char *dir, const struct conf *conf, const char *site,
    const char *who)
{
	char  name[SITE_FILE_MAX];
	char *path = file_join(dir,
	     site_file_certificate(name, sizeof(name), site));
	bool  ok = path != NULL;

	if (!ok)
		log_warnx("%s: there is no memory for it", who);
	else if (!is_missing(dir, name))
		ok = revoke_file(dir, conf != NULL ? conf->crl : DEFAULT_CRL,
		    name, who);
	/* It stays until it is revoked. */
	if (ok && unlink(path) == -1 && errno != ENOENT)
		log_warn("%s: %s", who, path);
	free(path);
	return ok;
}

bool
own_ca_lost_name(const struct conf *conf, const struct ca_pem *cert,
    unsigned *i, char name[CA_NAME_SIZE])
{
	while (ca_name(cert, (*i)++, name)) {
		if (name[0] != '\0' && !is_named(conf, name))
			return true;
	}
	return false;
}

static bool
is_named(const struct conf *conf, const char *name)
{
	struct addr addr, other;
	bool	    is_addr = addr_parse(&addr, name);

	for (size_t i = 0; i < conf->names.n; i++) {
		if (strcasecmp(conf->names.v[i], name) == 0 ||
		    (is_addr && addr_parse(&other, conf->names.v[i]) &&
			addr_is_equal(&addr, &other)))
			return true;
	}
	return false;
}

bool
own_ca_make_crl(struct undo *undo, const char *dir, const struct own_ca *ca)
{
	static const struct ca_pem none = { 0 };
	struct ca_pem		   list;
	int  r = crl_add(&ca->cert, &ca->key, &none, &none, ca_now(), &list);
	bool ok = r == 0 &&
	    undo_create(undo, dir, DEFAULT_CRL, list.text, list.len, 0644,
		UNDO_SELF);

	if (r < 0)
		log_warnx("%s: cannot make the list of revoked certificates: "
			  "%s", undo->who, strerror(-r));
	ca_pem_fini(&list);
	return ok;
}

bool
own_ca_make_rsa(struct undo *undo, const struct conf *conf,
    const struct own_ca *ca, struct undo_owner keeper)
{
	struct ca_pem key = { 0 }, cert = { 0 };
	int	      r;
	bool	      ok;

	r = ca_make_rsa_key(&key);
	if (r == 0)
		r = ca_sign_server(&ca->cert, &ca->key, &key,
		    conf->names.v, conf->names.n, ca_now(), &cert);
	if (r < 0)
		log_warnx("%s: cannot make the RSA certificate: %s", undo->who,
		    strerror(-r));
	ok = r == 0 &&
	    undo_create(undo, conf->dir, RSA_KEY, key.text, key.len, 0600,
		keeper) &&
	    undo_create(undo, conf->dir, conf->certificate_rsa, cert.text,
		cert.len, 0644, UNDO_SELF);
	ca_pem_fini(&key);
	ca_pem_fini(&cert);
	return ok;
}

bool
own_ca_lacks_rsa(const struct conf *conf)
{
	return is_missing(conf->dir, conf->certificate_rsa) ||
	    is_missing(conf->dir, RSA_KEY);
}

static bool
revoke_file(const char *dir, const char *crl, const char *cert_name,
    const char *who)
{
	struct ca_pem old = { 0 }, cert = { 0 }, list = { 0 };
	struct own_ca ca;
	char	     *path;
	int	      r;

	if (!own_ca_read(&ca, dir, who))
		return false;
	path = file_join(dir, crl);
	r = path == NULL ? -ENOMEM :
			   own_ca_read_pem(&old, dir, crl, CRL_MAX);
	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		r = own_ca_read_pem(&cert, dir, cert_name, CA_PEM_MAX);
	if (r == 0)
		r = crl_add(&ca.cert, &ca.key, &old, &cert, ca_now(), &list);
	if (r == 0)
		r = file_write(path, list.text, list.len, 0644, (uid_t)-1,
		    (gid_t)-1);
	if (r < 0)
		log_warnx("%s: %s/%s is not revoked in %s: %s", who, dir,
		    cert_name, crl,
		    r == -EFBIG	 ? "there are too many in it" :
		    r == -EINVAL ? "one of them is not of " OWN_CA_CERT :
				   strerror(-r));
	ca_pem_fini(&old);
	ca_pem_fini(&cert);
	ca_pem_fini(&list);
	own_ca_fini(&ca);
	free(path);
	return r == 0;
}

static bool
is_missing(const char *dir, const char *name)
{
	char *path = file_join(dir, name);
	bool  missing = path == NULL ||
	    faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == -1;

	free(path);
	return missing;
}
