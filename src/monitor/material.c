/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/material.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nitems.h"
#include "conf/conf.h"

#define ALWAYS UINT32_MAX

enum missing {
	IS_AN_ERROR,
	IS_EMPTY,    /* an error once a site of the method is there */
	IS_NOT_SENT, /* the same */
	IS_FINE,     /* empty, whatever sites there are */
};

static const struct row {
	enum request_material kind;
	enum conf_role	      role;
	uint32_t	      auths; /* with one of these methods only */
	enum missing	      missing;
	size_t		      path;
	const char	     *name; /* the key */
} rows[] = {
#define PATH(member) offsetof(struct conf, member)
	{ REQUEST_MATERIAL_CHAIN, CONF_SERVER, ALWAYS, IS_AN_ERROR,
	    PATH(certificate), "certificate" },
	{ REQUEST_MATERIAL_CHAIN_RSA, CONF_SERVER,
	    CONF_AUTH_BIT(CONF_AUTH_TLS_SRP), IS_NOT_SENT,
	    PATH(certificate_rsa), "certificate-rsa" },
	{ REQUEST_MATERIAL_SITE_CA, CONF_SERVER,
	    CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE), IS_EMPTY, PATH(site_ca),
	    "site-ca" },
	{ REQUEST_MATERIAL_CRL, CONF_SERVER,
	    CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE), IS_FINE, PATH(crl),
	    "crl" },
	{ REQUEST_MATERIAL_CA, CONF_CLIENT, ALWAYS, IS_AN_ERROR, PATH(ca),
	    "ca" },
	{ REQUEST_MATERIAL_SITE, CONF_CLIENT,
	    CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE), IS_AN_ERROR,
	    PATH(site_certificate), "certificate" },
#undef PATH
};

static bool  applies(const struct row *row, const struct conf *conf);
static bool  may_miss(const struct row *row, const struct conf *conf);
static bool  read_one(struct material *material, const struct row *row,
     const struct conf *conf, char *why, size_t why_size);
static char *path_of(const struct row *row, const struct conf *conf);

bool
material_read(struct material *material, const struct conf *conf, char *why,
    size_t why_size)
{
	bool ok = true;

	*material = (struct material) { 0 };
	for (size_t i = 0; i < nitems(rows); i++) {
		if (applies(&rows[i], conf) &&
		    !read_one(material, &rows[i], conf, why, why_size))
			ok = false;
	}
	return ok;
}

void
material_fini(struct material *material)
{
	for (size_t i = 0; i < REQUEST_MATERIALS; i++)
		free(material->of[i].text);
	*material = (struct material) { 0 };
}

const char *
material_name(enum request_material kind)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		if (rows[i].kind == kind)
			return rows[i].name;
	}
	return "";
}

void
material_swap(struct material *a, struct material *b,
    enum request_material kind)
{
	struct material saved = *a;

	a->of[kind] = b->of[kind];
	b->of[kind] = saved.of[kind];
}

bool
material_is_same(const struct material *a, const struct material *b,
    enum request_material kind)
{
	const char *x = a->of[kind].text, *y = b->of[kind].text;

	if (x == NULL || y == NULL)
		return x == y;
	return a->of[kind].len == b->of[kind].len &&
	    memcmp(x, y, a->of[kind].len) == 0;
}

bool
material_is_file(const struct conf *conf, const char *name)
{
	char *path = file_join(conf->dir, name);
	bool  is = false;

	for (size_t i = 0; path != NULL && !is && i < nitems(rows); i++) {
		char *other = applies(&rows[i], conf) ? path_of(&rows[i], conf) :
							NULL;

		is = other != NULL && strcmp(path, other) == 0;
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

/* What no site needs need not be there. */
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

static bool
read_one(struct material *material, const struct row *row,
    const struct conf *conf, char *why, size_t why_size)
{
	char *path = path_of(row, conf);
	char *text = NULL;
	size_t len = 0;
	int   r = path == NULL ? -ENOMEM :
				 file_read(path, MATERIAL_MAX, &text, &len);

	if (r == -ENOENT && may_miss(row, conf)) {
		r = 0;
		if (row->missing != IS_NOT_SENT && (text = strdup("")) == NULL)
			r = -ENOMEM;
	} else if (r == 0 && len == 0 && row->missing != IS_FINE) {
		free(text);
		r = -ENODATA;
	}
	if (r < 0)
		snprintf(why, why_size, "%s: %s",
		    path != NULL ? path : "certificate", strerror(-r));
	free(path);
	if (r < 0)
		return false;
	material->of[row->kind].text = text;
	material->of[row->kind].len = len;
	return true;
}

static char *
path_of(const struct row *row, const struct conf *conf)
{
	return file_join(conf->dir,
	    *(char *const *)(const void *)((const char *)conf + row->path));
}
