/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/own_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/site/site_file.h"
#include "cmd/site/site_job.h"
#include "cmd/util/json_field.h"
#include "cmd/util/must.h"
#include "keeper/credentials.h"
#include "monitor/state/state_dir.h"
#include "pki/crl.h"

#define DEFAULT_CRL "crl.pem"
#define RSA_KEY	    CONF_KEEPER_DIR "/" CREDENTIALS_RSA_KEY

static bool revoke_file(const struct options *options, const char *crl,
    const char *cert_name, const char *who);
static int  read_list(struct ca_pem *list, const char *dir, const char *crl,
     const struct ca_pem *ca, const char *who);
static int  ask_for(const struct options *options, const struct ca_pem *list);
static const char *explain(int r);
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
	log_warnx("%s: %s/%s: %s; this needs the CA's key: put it there",
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
	AUTO_FREE char *path = must(file_join(dir, name));
	int		r = file_read(path, max, &pem->text, &pem->len);

	if (r < 0)
		*pem = (struct ca_pem) { 0 };
	return r;
}

bool
own_ca_revoke(const struct options *options, const struct conf *conf,
    const char *site, const char *who)
{
	char name[SITE_FILE_MAX];
	AUTO_FREE char *path = must(file_join(options->dir,
	    site_file_certificate(name, sizeof(name), site)));

	if (!is_missing(options->dir, name) && !revoke_file(options,
		conf != NULL ? conf->crl : DEFAULT_CRL, name, who))
		return false;
	/* It is kept until it is revoked. */
	if (unlink(path) == -1 && errno != ENOENT)
		log_warn("%s: %s", who, path);
	return true;
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
own_ca_make_crl(struct file_txn *undo, const char *dir, const struct own_ca *ca)
{
	static const struct ca_pem none = { 0 };
	AUTO(ca_pem_fini) struct ca_pem list = { 0 };
	int r = crl_add(&ca->cert, &ca->key, &none, &none, ca_now(), &list);

	if (r == 0)
		return file_txn_create(undo, dir, DEFAULT_CRL, list.text, 0644);
	log_warnx("%s: cannot make the list of revoked certificates: %s",
	    undo->who, strerror(-r));
	return false;
}

bool
own_ca_make_rsa(struct file_txn *undo, const struct conf *conf,
    const struct own_ca *ca)
{
	AUTO(ca_pem_fini) struct ca_pem key = { 0 }, cert = { 0 };
	int r = ca_make_rsa_key(&key);

	if (r == 0)
		r = ca_sign_server(&ca->cert, &ca->key, &key,
		    conf->names.v, conf->names.n, ca_now(), &cert);
	if (r < 0)
		log_warnx("%s: cannot make the RSA certificate: %s", undo->who,
		    strerror(-r));
	return r == 0 &&
	    file_txn_create(undo, conf->dir, RSA_KEY, key.text, 0600) &&
	    file_txn_create(undo, conf->dir, conf->certificate_rsa, cert.text,
		0644);
}

bool
own_ca_lacks_rsa(const struct conf *conf)
{
	return is_missing(conf->dir, conf->certificate_rsa) ||
	    is_missing(conf->dir, RSA_KEY);
}

/*
 * A running daemon must use the old list, or what that one revokes would be
 * lost, and the new one afterwards.
 */
static bool
revoke_file(const struct options *options, const char *crl,
    const char *cert_name, const char *who)
{
	AUTO(ca_pem_fini) struct ca_pem old = { 0 }, cert = { 0 }, list = { 0 };
	AUTO(own_ca_fini) struct own_ca ca = { 0 };
	const char     *dir = options->dir;
	AUTO_FREE char *path = must(file_join(dir, crl));
	int		r;

	if (!own_ca_read(&ca, dir, who))
		return false;
	r = read_list(&old, dir, crl, &ca.cert, who);
	if (r == 0)
		r = ask_for(options, &old);
	if (r == 0 && old.len == 0)
		r = -ENODATA;
	if (r >= 0)
		r = own_ca_read_pem(&cert, dir, cert_name, CA_PEM_MAX);
	if (r == 0)
		r = crl_add(&ca.cert, &ca.key, &old, &cert, ca_now(), &list);
	if (r == 0)
		r = file_write(path, list.text, list.len, 0644, (uid_t)-1,
		    (gid_t)-1);
	if (r == 0)
		r = ask_for(options, &list);
	if (r < 0)
		log_warnx("%s: %s/%s is not revoked in %s: %s", who, dir,
		    cert_name, crl, explain(r));
	return r >= 0;
}

/*
 * The list in the file, unless the daemon kept one that the file may not
 * replace.
 */
static int
read_list(struct ca_pem *list, const char *dir, const char *crl,
    const struct ca_pem *ca, const char *who)
{
	static const struct ca_pem none = { 0 };
	AUTO(ca_pem_fini) struct ca_pem kept = { 0 };
	AUTO_FREE char *path = state_dir_file(dir, STATE_DIR_CRL);
	int		r = own_ca_read_pem(list, dir, crl, CRL_MAX);

	if (r == -ENOENT)
		r = 0;
	if (path != NULL &&
	    file_read(path, CRL_MAX, &kept.text, &kept.len) < 0)
		kept = none;
	if (r == 0 && kept.len > 0 && crl_why_not(ca, &none, &kept) == NULL &&
	    crl_why_not(ca, &kept, list) != NULL) {
		log_warnx("%s: %s/%s is not the last list of revoked "
		    "certificates: a new one is made from %s", who, dir, crl,
		    path);
		ca_pem_fini(list);
		*list = kept;
		kept = none;
	}
	return r;
}

/*
 * 1 if the daemon uses this list; 0 if none runs, or none that allows logins by
 * certificate; -ESTALE if it uses another, or -errno.
 */
static int
ask_for(const struct options *options, const struct ca_pem *list)
{
	json_auto_t *answer = NULL;
	char	     digest[CRL_DIGEST_SIZE];
	const char  *crl;
	int	     r = site_job_sync(options, NULL, &answer);

	if (r <= 0)
		return r;
	if (!json_is_true(json_object_get(answer, "ok")))
		return -EPROTO;
	crl = json_field_text(answer, "crl");
	if (crl == NULL)
		return 0;
	crl_digest(list->text, list->len, digest);
	return strcmp(crl, digest) == 0 ? 1 : -ESTALE;
}

static const char *
explain(int r)
{
	switch (r) {
	case -EFBIG:
		return "it contains too many certificates";
	case -EINVAL:
		return "one of its certificates was not issued by " OWN_CA_CERT;
	case -ENODATA:
		return "it is missing or empty, and the daemon has no copy: "
		       "restore it from a backup; if there never was one, "
		       "start the daemon first";
	case -ESTALE:
		return "the daemon uses another list, which does not revoke "
		       "this certificate: fix what tombolo reload reports, "
		       "then run this again";
	case -ENOTCONN:
		return "the daemon at its socket has another configuration";
	case -EPROTO:
		return "the daemon does not say which list it uses: see its "
		       "log, or restart it; then run this again";
	default:
		return strerror(-r);
	}
}

static bool
is_missing(const char *dir, const char *name)
{
	AUTO_FREE char *path = must(file_join(dir, name));

	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == -1;
}
