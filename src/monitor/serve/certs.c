/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/serve/certs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf.h"
#include "monitor/state/state_dir.h"

#define ALWAYS UINT32_MAX

enum missing {
	IS_AN_ERROR,
	IS_EMPTY,    /* an error if a site of the method exists */
	IS_NOT_SENT, /* the same */
	IS_FINE,     /* empty, whatever sites exist */
};

static const struct row {
	enum request_certs kind;
	enum conf_role	      role;
	uint32_t	      auths; /* only with one of these methods */
	enum missing	      missing;
	size_t		      path;
	const char	     *label; /* label of its content, in PEM */
	const char	     *key;   /* its private key's file */
} rows[] = {
#define PATH(member) offsetof(struct conf, member)
#define CERT "CERTIFICATE-----"
#define CRL  "CRL-----"
	{ REQUEST_CERTS_CHAIN, CONF_SERVER, ALWAYS, IS_AN_ERROR,
	    PATH(certificate), CERT, CONF_KEEPER_DIR "/server.key" },
	{ REQUEST_CERTS_CHAIN_RSA, CONF_SERVER,
	    CONF_AUTH_BIT(CONF_AUTH_TLS_SRP), IS_NOT_SENT,
	    PATH(certificate_rsa), CERT,
	    CONF_KEEPER_DIR "/server-rsa.key" },
	{ REQUEST_CERTS_SITE_CA, CONF_SERVER,
	    CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE), IS_EMPTY, PATH(site_ca),
	    CERT, NULL },
	{ REQUEST_CERTS_CRL, CONF_SERVER,
	    CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE), IS_FINE, PATH(crl),
	    CRL, NULL },
	{ REQUEST_CERTS_CA, CONF_CLIENT, ALWAYS, IS_AN_ERROR, PATH(ca),
	    CERT, NULL },
	{ REQUEST_CERTS_SITE, CONF_CLIENT,
	    CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE), IS_AN_ERROR,
	    PATH(site_certificate), CERT, CONF_KEEPER_DIR "/client.key" },
#undef PATH
#undef CERT
#undef CRL
};

static bool  applies(const struct row *row, const struct conf *conf);
static bool  may_miss(const struct row *row, const struct conf *conf);
static void  read_one(struct certs *certs, const struct row *row,
     const struct conf *conf);
static int   read_text(const struct row *row, const struct conf *conf,
     const char *path, struct startup_text *text);
static bool  is_key_changed(const struct row *row, const struct conf *conf,
     struct stat *last);
static char *path_of(const struct row *row, const struct conf *conf);
static void  replace(struct startup_text *text, struct startup_text by);

void
certs_init(struct certs *certs, const char *dir)
{
	struct startup_text *list = &certs->of[REQUEST_CERTS_CRL].now;

	certs->kept = file_join(dir, STATE_DIR_CRL);
	if (certs->kept != NULL &&
	    file_read(certs->kept, REQUEST_MAX_CERTS, &list->text,
		&list->len) < 0)
		*list = (struct startup_text) { 0 };
}

bool
certs_read(struct certs *certs, const struct conf *conf, char *why,
    size_t why_size)
{
	bool ok = true;

	why[0] = '\0';
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *reason = certs->of[rows[i].kind].why;

		if (!applies(&rows[i], conf))
			continue;
		read_one(certs, &rows[i], conf);
		if (reason[0] == '\0')
			continue;
		if (why[0] == '\0')
			strlcpy(why, reason, why_size);
		/* For a chain the keeper may have stored the last valid one. */
		ok = ok && (rows[i].missing == IS_FINE || rows[i].key != NULL ||
			       certs->of[rows[i].kind].now.text != NULL);
	}
	return ok;
}

bool
certs_can_read(const struct conf *conf, char *why, size_t why_size)
{
	struct certs certs = { 0 };

	certs_read(&certs, conf, why, why_size);
	certs_fini(&certs);
	return why[0] == '\0';
}

void
certs_fini(struct certs *certs)
{
	for (size_t i = 0; i < REQUEST_CERTS_KINDS; i++) {
		free(certs->of[i].now.text);
		free(certs->of[i].next.text);
	}
	free(certs->kept);
	*certs = (struct certs) { 0 };
}

const struct startup_text *
certs_begin(struct certs *certs, enum request_certs kind)
{
	struct certs_file *file = &certs->of[kind];
	bool has_now = file->now.text != NULL, has_next = file->next.text != NULL;

	file->news = (has_now && has_next) || file->why[0] != '\0';
	if (has_now)
		return &file->now;
	return has_next ? &file->next : NULL;
}

bool
certs_has_news(struct certs *certs, enum request_certs kind,
    struct startup_text *news)
{
	struct certs_file *file = &certs->of[kind];

	if (!file->news)
		return false;
	file->news = false;
	*news = file->next.text != NULL ? file->next : file->now;
	if (file->why[0] != '\0')
		*news = (struct startup_text) { file->why, strlen(file->why), 0 };
	return news->text != NULL;
}

bool
certs_any_news(const struct certs *certs)
{
	for (size_t i = 0; i < REQUEST_CERTS_KINDS; i++) {
		if (certs->of[i].news)
			return true;
	}
	return false;
}

void
certs_in_force(struct certs *certs, enum request_certs kind,
    uint32_t number)
{
	struct startup_text *now = &certs->of[kind].now;
	struct startup_text *next = &certs->of[kind].next;
	int		     r;

	if (next->text == NULL || next->number != number)
		return;
	replace(now, *next);
	*next = (struct startup_text) { 0 };
	if (kind != REQUEST_CERTS_CRL || now->len == 0 ||
	    certs->kept == NULL)
		return;
	r = file_write(certs->kept, now->text, now->len, 0600, (uid_t)-1,
	    (gid_t)-1);
	if (r < 0)
		log_warnx("%s: cannot be written (%s): after a restart, the "
			  "configured list must be readable", certs->kept,
		    strerror(-r));
}

bool
certs_is_file(const struct conf *conf, const char *name)
{
	char *path = file_join(conf->dir, name);
	bool  is = false;

	for (size_t i = 0; path != NULL && !is && i < nitems(rows); i++) {
		char *other = applies(&rows[i], conf) ? path_of(&rows[i], conf) :
							NULL;

		is = other != NULL &&
		    (strcmp(path, other) == 0 ||
			(rows[i].key != NULL && strcmp(name, rows[i].key) == 0));
		free(other);
	}
	free(path);
	return is;
}

static bool
applies(const struct row *row, const struct conf *conf)
{
	unsigned auths = conf->role == CONF_SERVER ? conf->auths :
						     CONF_AUTH_BIT(conf->auth);

	return row->role == conf->role && (row->auths & auths) != 0;
}

/* A file that no site needs may be missing. */
static bool
may_miss(const struct row *row, const struct conf *conf)
{
	if (row->missing == IS_AN_ERROR || row->missing == IS_FINE)
		return row->missing == IS_FINE;
	for (size_t i = 0; i < conf->nsites; i++) {
		if (!conf->sites[i].disabled &&
		    (row->auths & CONF_AUTH_BIT(conf->sites[i].auth)) != 0)
			return false;
	}
	return true;
}

static void
read_one(struct certs *certs, const struct row *row,
    const struct conf *conf)
{
	struct certs_file *file = &certs->of[row->kind];
	struct startup_text     *last = file->next.text != NULL ? &file->next :
							       &file->now;
	struct startup_text text;
	char *path = path_of(row, conf), why[REQUEST_WHY_SIZE] = "";
	int   r = read_text(row, conf, path, &text);

	if (r < 0)
		snprintf(why, sizeof(why), "%.400s: %s",
		    path != NULL ? path : "certificate",
		    r == -ENODATA ? "it is empty; restore it" :
		    r != -EILSEQ  ? strerror(-r) :
		    row->kind != REQUEST_CERTS_CRL ?
		    "has no certificate in PEM; restore "
			"it (openssl x509 makes PEM of DER)" :
			"has no list of revoked certificates in PEM; restore "
			"it (openssl crl makes PEM of DER)");
	free(path);
	if (is_key_changed(row, conf, &file->key) ||
	    strcmp(file->why, why) != 0)
		file->news = true;
	strlcpy(file->why, why, sizeof(file->why));
	if (r == 0 && startup_text_is_same(&text, last)) {
		free(text.text);
	} else if (r < 0 || text.text != NULL) {
		text.number = ++certs->numbers;
		replace(&file->next, text);
		file->news = true;
	}
}

/* No text: it may be missing, and is not sent. */
static int
read_text(const struct row *row, const struct conf *conf, const char *path,
    struct startup_text *text)
{
	int r;

	*text = (struct startup_text) { 0 };
	r = path == NULL ? -ENOMEM : file_read(path, REQUEST_MAX_CERTS,
	    &text->text, &text->len);
	if (r == -ENOENT && may_miss(row, conf)) {
		if (row->missing == IS_NOT_SENT)
			return 0;
		text->text = strdup("");
		return text->text != NULL ? 0 : -ENOMEM;
	}
	if (r == 0 && text->len == 0 && row->missing != IS_FINE)
		r = -ENODATA;
	/* In DER or UTF-16, or another kind of file. */
	if (r == 0 && text->len > 0 &&
	    (strlen(text->text) < text->len ||
		strstr(text->text, row->label) == NULL))
		r = -EILSEQ;
	if (r < 0) {
		free(text->text);
		*text = (struct startup_text) { 0 };
	}
	return r;
}

/*
 * Only the keeper reads the key; but if the file has changed, it has to read it
 * again.
 */
static bool
is_key_changed(const struct row *row, const struct conf *conf,
    struct stat *last)
{
	struct stat st = { 0 }, old = *last;
	char	   *path = row->key != NULL ? file_join(conf->dir, row->key) :
					      NULL;

	if (path != NULL && stat(path, &st) == -1)
		st = (struct stat) { 0 };
	free(path);
	*last = st;
	return st.st_ino != old.st_ino || st.st_size != old.st_size ||
	    st.st_ctim.tv_sec != old.st_ctim.tv_sec ||
	    st.st_ctim.tv_nsec != old.st_ctim.tv_nsec;
}

static char *
path_of(const struct row *row, const struct conf *conf)
{
	return file_join(conf->dir,
	    *(char *const *)(const void *)((const char *)conf + row->path));
}

static void
replace(struct startup_text *text, struct startup_text by)
{
	free(text->text);
	*text = by;
}
