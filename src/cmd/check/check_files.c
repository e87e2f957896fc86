/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/check/check_files.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "cmd/site/own_ca.h"
#include "cmd/site/site_file.h"
#include "cmd/util/must.h"
#include "control/expiry.h"
#include "keeper/auth_method.h"
#include "keeper/credentials.h"
#include "keeper/psk.h"
#include "monitor/serve/certs.h"
#include "monitor/state/pidfile.h"
#include "monitor/state/state_dir.h"
#include "pki/crl.h"
#include "pki/keypair.h"
#include "proc/proc.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)

/* What it means if a file is missing. */
enum missing { MAY_MISS, IS_A_WARNING, IS_AN_ERROR };

struct file {
	char	     *path; /* owned */
	struct ca_pem text;
};

static void look_at_keepers(struct check_report *report, const char *name);
static void look_at_server(struct check_report *report);
static void look_at_client(struct check_report *report);
static void look_at_sites(struct check_report *report);
static void look_at_pair(struct check_report *report,
    const char *cert_name, const char *key_name);
static void look_at_names(struct check_report *report,
    const struct file *cert);
static void look_at_trust(struct check_report *report,
    const struct file *cert);
static bool needs_list(const struct conf *conf);
static void look_at_dates(struct check_report *report, const struct file *cert);
static void look_at_ca(struct check_report *report,
    const char *name, enum missing missing);
static void look_at_list(struct check_report *report);
static void look_at_psk(struct check_report *report, const char *name,
    bool (*is_good)(const char *line));
static bool is_psk(const char *line);
static bool is_ring(const char *line);
static bool is_generation(const char *line);
static void look_at_line(struct check_report *report,
    const char *name, const struct conf_site *site, enum missing missing);
static bool open_line(struct file *file, struct check_report *report,
    const char *name, enum missing missing, int *r);
static bool open_file(struct file *file, struct check_report *report,
    const char *name, enum missing missing);
static void look_at_owner(unsigned *count, struct check_report *report, const char *path);
static void close_file(struct file *file);
static bool is_kept(const char *name);

void
check_files(struct check_report *report)
{
	const struct conf *conf = report->conf;
	AUTO(certs_fini) struct certs certs = { 0 };
	char		why[REQUEST_WHY_SIZE];

	if (geteuid() != 0)
		log_warnx("check: keys and passwords are not looked at: that "
			  "needs root");
	if (!state_dir_may_open(conf->dir))
		report->errors++; /* which was reported */
	look_at_keepers(report, CONF_KEEPER_DIR);
	look_at_keepers(report, CONF_KEEPER_DIR "/sites");
	if (conf->role == CONF_SERVER)
		look_at_server(report);
	else
		look_at_client(report);
	/* Other objections of `run` to the certificates and the lists. */
	if (report->errors == 0 &&
	    !certs_read(&certs, conf, why, sizeof(why)))
		check_error(report, "%s", why);
}

/* Checks a directory of the keeper; without it there is no keeper. */
static void
look_at_keepers(struct check_report *report,
    const char *name)
{
	AUTO_FREE char *path = must(file_join(report->conf->dir, name));
	struct stat	st;

	if (lstat(path, &st) == -1)
		; /* the files in it are missing, too */
	else if (!S_ISDIR(st.st_mode))
		check_error(report, "%s: must be a directory, not a "
		    "link", path);
	else if ((st.st_mode & 0500) != 0500) /* others: file_modes.c */
		check_error(report, "%s: its owner cannot enter it; fix with: "
		    "chmod 700 %s", path, path);
}

static void
look_at_server(struct check_report *report)
{
	const struct conf *conf = report->conf;
	look_at_pair(report, conf->certificate,
	    CONF_KEEPER_DIR "/" CREDENTIALS_KEY);
	if ((conf->auths & CONF_AUTH_BIT(CONF_AUTH_TLS_SRP)) != 0 &&
	    !own_ca_lacks_rsa(conf))
		look_at_pair(report, conf->certificate_rsa,
		    CONF_KEEPER_DIR "/" CREDENTIALS_RSA_KEY);
	if ((conf->auths & CONF_AUTH_BIT(CONF_AUTH_CERTIFICATE)) != 0) {
		look_at_ca(report, conf->site_ca,
		    needs_list(conf) ? IS_AN_ERROR : MAY_MISS);
		look_at_list(report);
	}
	look_at_sites(report);
}

static void
look_at_client(struct check_report *report)
{
	const struct conf *conf = report->conf;
	look_at_ca(report, conf->ca, IS_AN_ERROR);
	if (conf->auth == CONF_AUTH_CERTIFICATE)
		look_at_pair(report, conf->site_certificate,
		    CONF_KEEPER_DIR "/" CREDENTIALS_SITE_KEY);
	else
		/* `tombolo login` can ask for it. */
		look_at_line(report, CONF_KEEPER_DIR "/" CREDENTIALS_SECRET,
		    NULL, conf->auth == CONF_AUTH_PAM ? MAY_MISS : IS_AN_ERROR);
	look_at_psk(report, CONF_KEEPER_DIR "/" CREDENTIALS_PSK, is_psk);
	if (conf->proxy.kind != CONF_PROXY_NONE)
		look_at_line(report, CONF_KEEPER_DIR "/" CREDENTIALS_PROXY,
		    NULL, MAY_MISS);
}

static void
look_at_sites(struct check_report *report)
{
	const struct conf *conf = report->conf;
	size_t able = 0, unable = conf->faults.n;
	AUTO_FREE char *dir = must(file_join(conf->dir, CONF_SITES_DIR));

	look_at_psk(report, CONF_KEEPER_DIR "/" CREDENTIALS_RING, is_ring);
	/* A running daemon keeps the sites that it has. */
	if (conf->nsites == 0 && access(dir, F_OK) == -1)
		check_warning(report, "%s: %s: no site can log in "
		    "after a start; restore it", dir, strerror(errno));
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];
		unsigned before = report->warnings;
		char name[SITE_FILE_MAX];

		if (site->disabled || site->faulty)
			continue;
		if (site->auth != CONF_AUTH_PAM &&
		    site->auth != CONF_AUTH_CERTIFICATE)
			look_at_line(report, site_file_credential(name,
			    sizeof(name), site->name, site->auth), site,
			    IS_A_WARNING);
		if (report->warnings == before)
			able++;
		else
			unable++;
		look_at_psk(report, site_file_psk(name, sizeof(name),
		    site->name), is_generation);
	}
	if (able == 0 && unable > 0)
		check_error(report, "check: no site can log in");
}

static void
look_at_pair(struct check_report *report,
    const char *cert_name, const char *key_name)
{
	const struct conf *conf = report->conf;
	AUTO(close_file) struct file cert = { 0 }, key = { 0 };
	char	    why[KEYPAIR_WHY_SIZE];
	bool has_cert = open_file(&cert, report, cert_name, IS_AN_ERROR);
	bool has_key = open_file(&key, report, key_name, IS_AN_ERROR);

	bool reads = has_cert && keypair_read_chain(cert.text.text,
		cert.text.len, NULL, NULL, why);

	if (has_cert && !reads)
		check_error(report, "%s: %s", cert.path, why);
	else if (reads && has_key && !keypair_check(cert.text.text,
		cert.text.len, key.text.text, key.text.len, why))
		check_error(report, "%s: %s", key.path, why);
	if (reads)
		look_at_dates(report, &cert);
	if (reads && conf->role == CONF_SERVER)
		look_at_names(report, &cert);
	if (reads)
		look_at_trust(report, &cert);
}

/* Certificates of other CAs may have more names than the hub. */
static void
look_at_names(struct check_report *report,
    const struct file *cert)
{
	const struct conf *conf = report->conf;
	AUTO(close_file) struct file ca = { 0 };
	char	    name[CA_NAME_SIZE];
	unsigned    at = 0;
	size_t	    wrong = 0;

	for (size_t i = 0; i < conf->names.n; i++) {
		if (ca_is_for(&cert->text, conf->names.v[i]))
			continue;
		wrong++;
		check_warning(report, "%s: is not for the name "
		    "%s: sites that connect by it will refuse this hub; "
		    "renew it (tombolo init --renew)", cert->path,
		    conf->names.v[i]);
	}
	if (wrong == conf->names.n)
		report->errors++; /* nobody can connect */
	if (!open_file(&ca, report, OWN_CA_CERT, MAY_MISS))
		return;
	while (ca_has_made(&ca.text, &cert->text) &&
	    own_ca_lost_name(conf, &cert->text, &at, name))
		check_warning(report, "%s: also covers %s, which is "
		    "not in `name`: after the next renewal, sites that use it "
		    "will refuse this hub; add the line \"name = %s\" below the "
		    "first name", cert->path, name, name);
}

/*
 * It is unknown who verifies it: a site may trust the CA of its invitation, or
 * a public one.
 */
static void
look_at_trust(struct check_report *report,
    const struct file *cert)
{
	const struct conf *conf = report->conf;
	const struct ca_pem any = { 0 };
	bool	    server = conf->role == CONF_SERVER;
	AUTO(close_file) struct file ca = { 0 };
	char	    why[KEYPAIR_WHY_SIZE];

	if (!keypair_is_taken(&cert->text, &any, server ? NULL : conf->site,
		why))
		check_error(report, "%s: %s%s", cert->path, why,
		    server ? ": sites will refuse this hub; renew it (tombolo "
			     "init --renew)" :
			     ": the hub will refuse this site; join again with "
			     "an invitation for this site");
	else if (server && open_file(&ca, report, OWN_CA_CERT, MAY_MISS) &&
	    keypair_is_ca(&ca.text) &&
	    !keypair_is_taken(&cert->text, &ca.text, NULL, why))
		check_warning(report, "%s: %s: sites that were invited will "
		    "refuse this hub; renew it (tombolo init --renew), or put "
		    "the certificate of the CA that issued it into "
		    OWN_CA_CERT, cert->path, why);
}

static void
look_at_dates(struct check_report *report, const struct file *cert)
{
	time_t now = ca_now(), begin = ca_begin(&cert->text);
	time_t end = ca_end(&cert->text);
	struct tm tm;
	char	  text[32] = "";

	if (begin > now && gmtime_r(&begin, &tm) != NULL) {
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm);
		check_error(report, "%s: is not valid before %s; check "
		    "this host's clock", cert->path, text);
	}
	if (end == 0 || end > now + EXPIRY_SOON_SEC)
		return;
	expiry_date(end, text, sizeof(text));
	if (end <= now)
		check_error(report, "%s: has expired on %s; renew it",
		    cert->path, text);
	else
		log_warnx("%s: ends on %s; renew it", cert->path, text);
}

/* In a bundle some certificates may be expired. */
static void
look_at_ca(struct check_report *report,
    const char *name, enum missing missing)
{
	AUTO(close_file) struct file ca = { 0 };

	if (!open_file(&ca, report, name, missing))
		return;
	if (!keypair_is_ca(&ca.text))
		check_error(report, "%s: has no certificate of a CA in "
		    "it", ca.path);
	else if (ca_is_ca(ca.text.text, ca.text.len))
		look_at_dates(report, &ca);
}

/* The daemon uses the list that it kept until it has a better one. */
static void
look_at_list(struct check_report *report)
{
	const struct conf *conf = report->conf;
	AUTO(close_file) struct file ca = { 0 }, list = { 0 }, kept = { 0 };
	const char *why = NULL;
	time_t	    life, end;

	(void)open_file(&ca, report, conf->site_ca, MAY_MISS);
	(void)open_file(&list, report, conf->crl, MAY_MISS);
	kept.path = state_dir_file(conf->dir, STATE_DIR_CRL);
	if (kept.path != NULL && file_read(kept.path, TEXT_MAX,
		&kept.text.text, &kept.text.len) < 0)
		kept.text = (struct ca_pem) { 0 };
	if (list.text.len == 0 && (kept.text.len > 0 || needs_list(conf)))
		why = "is missing or empty; restore it, or create a new one";
	else if (list.text.len > 0 && keypair_is_ca(&ca.text))
		why = crl_why_not(&ca.text, &kept.text, &list.text);
	if (why != NULL && kept.text.len > 0)
		check_warning(report, "%s: %s; the last good one stays "
		    "in force", conf->crl, why);
	else if (why != NULL)
		check_warning(report, "%s: %s", conf->crl, why);
	end = crl_end(list.text.text, list.text.len, &life);
	if (end != 0 && end <= ca_now())
		check_warning(report, "%s: is out of date, but stays in "
		    "force; create a new one", list.path);
}

/* True if any certificate could be in it. */
static bool
needs_list(const struct conf *conf)
{
	for (size_t i = 0; i < conf->nsites; i++) {
		if (!conf->sites[i].disabled &&
		    conf->sites[i].auth == CONF_AUTH_CERTIFICATE)
			return true;
	}
	return false;
}

/* `site`: the site that is verified with it. */
static void
look_at_line(struct check_report *report,
    const char *name, const struct conf_site *site, enum missing missing)
{
	const struct conf *conf = report->conf;
	AUTO(close_file) struct file file = { 0 };
	const struct auth_method *method = site != NULL ?
	    auth_method_find(site->auth) : NULL;
	int	    r;

	if (!open_line(&file, report, name, missing, &r))
		return;
	/* At a hub one site cannot log in; at a site nothing works. */
	if (r < 0)
		check_report(conf->role == CONF_SERVER ? &report->warnings :
							 &report->errors,
		    "%s: %s", file.path, text_explain(r));
	else if (method != NULL && !method->is_line(file.text.text))
		check_warning(report, "%s: not a verifier for auth = "
		    "%s: site %s cannot log in; tombolo site passwd %s makes "
		    "another", file.path, conf_auth_name(site->auth), site->name,
		    site->name);
	else if (strchr(" \t", file.text.text[file.text.len - 1]) != NULL)
		log_warnx("%s: ends in a blank, which is part of the password",
		    file.path);
}

/* Without a good one a site does not connect; a hub's lanes do without. */
static void
look_at_psk(struct check_report *report, const char *name,
    bool (*is_good)(const char *line))
{
	AUTO(close_file) struct file file = { 0 };
	bool is_site = report->conf->role == CONF_CLIENT;
	int  r;

	if (!open_line(&file, report, name, MAY_MISS, &r) ||
	    (r == 0 && is_good(file.text.text)))
		return;
	check_report(is_site ? &report->errors : &report->warnings,
	    "%s: %s; %s", file.path,
	    r < 0 ? text_explain(r) : "is not what tombolo wrote",
	    is_site ? "get a new invitation (tombolo site passwd at the hub), "
		      "and join --update" :
		      "restore it, or remove it and give its sites new "
		      "invitations (tombolo site passwd)");
}

static bool
is_psk(const char *line)
{
	struct psk psk;
	bool	   ok = psk_parse(&psk, line);

	secret_wipe(&psk, sizeof(psk));
	return ok;
}

static bool
is_ring(const char *line)
{
	uint8_t ring[PSK_LEN];
	bool	ok = psk_parse_ring(ring, line);

	secret_wipe(ring, sizeof(ring));
	return ok;
}

static bool
is_generation(const char *line)
{
	uint32_t generation;

	return psk_parse_generation(&generation, line);
}

/* Also reads its only line; `*r` < 0: it has no valid one (text_explain). */
static bool
open_line(struct file *file, struct check_report *report, const char *name,
    enum missing missing, int *r)
{
	if (!open_file(file, report, name, missing))
		return false;
	*r = text_line(file->text.text, &file->text.len);
	if (*r == 0)
		file->text.text[file->text.len] = '\0';
	return true;
}

static bool
open_file(struct file *file, struct check_report *report, const char *name,
    enum missing missing)
{
	unsigned *count = missing == IS_A_WARNING ? &report->warnings :
						    &report->errors;
	int	  r;

	file->path = must(file_join(report->conf->dir, name));
	r = file_read(file->path, TEXT_MAX, &file->text.text, &file->text.len);
	if (r == 0 && is_kept(name))
		look_at_owner(count, report, file->path);
	if (r == 0)
		return true;
	file->text = (struct ca_pem) { 0 };
	if (!(r == -ENOENT && missing == MAY_MISS) &&
	    !(r == -EACCES && is_kept(name) && geteuid() != 0))
		check_report(count, "%s: %s", file->path, strerror(-r));
	close_file(file);
	return false;
}

/*
 * The keeper follows no symbolic link, and reads only files that it owns and
 * nobody else may read.  At the start it gets the files of a directory that is
 * not its own yet.
 */
static void
look_at_owner(unsigned *count, struct check_report *report, const char *path)
{
	struct proc_user user;
	struct stat	 st, dir;
	AUTO_FREE char	*copy = must(strdup(path));

	if (lstat(path, &st) == -1 ||
	    stat(dirname(copy), &dir) == -1)
		;
	else if (!S_ISREG(st.st_mode))
		check_report(count, "%s: must be a regular file, not a link",
		    path);
	else if ((st.st_mode & 0477) != 0400)
		check_report(count, "%s: %s may read it; fix with: chmod 600 %s",
		    path, (st.st_mode & 077) != 0 ? "others" : "nobody", path);
	else if (proc_user(PROC_KEEPER, &user) == 0 && dir.st_uid == user.uid &&
	    st.st_uid != user.uid)
		check_report(pidfile_pid(report->conf->socket) > 0 ? &report->warnings :
							     count,
		    "%s: is not the keeper's own, and cannot be read by it; fix "
		    "with: chown %u:%u %s", path, (unsigned)user.uid,
		    (unsigned)user.gid, path);
}

static void
close_file(struct file *file)
{
	ca_pem_fini(&file->text);
	free(file->path);
	file->path = NULL;
}

static bool
is_kept(const char *name)
{
	return strncmp(name, CONF_KEEPER_DIR "/",
	    strlen(CONF_KEEPER_DIR "/")) == 0;
}
