/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_add.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "cmd/site/own_ca.h"
#include "cmd/site/site_credential.h"
#include "cmd/site/site_file.h"
#include "cmd/site/site_psk.h"
#include "cmd/util/file_txn.h"
#include "cmd/util/lines.h"
#include "cmd/util/must.h"
#include "pki/invite.h"
#include "tls_srp/engine/tls_srp.h"

#define WHO_SIZE (CONF_NAME_MAX + 16)

/* The invitation file. */
struct invitation {
	char  *text; /* owned */
	size_t len;
	char   out[512]; /* its path; empty: there is none */
	bool   again;	 /* the site exists already */
};

/* How `passwd` reports what it did. */
static const char *const another[CONF_AUTHS] = {
	[CONF_AUTH_SRP] = "has another password",
	[CONF_AUTH_PASSWORD] = "has another password",
	[CONF_AUTH_PAM] = "has to log in again; change its password where PAM "
			  "looks for it",
	[CONF_AUTH_CERTIFICATE] = "has a new certificate; the old one is "
				  "revoked",
	[CONF_AUTH_TLS_SRP] = "has another password",
};

static bool make_all(const struct options *options, const struct conf *conf,
    const struct conf_site *site, bool again, const char *who);
static struct conf *make_conf(const struct options *options,
    const struct conf *conf, const char *name, const char *who);
static bool put_site(FILE *out, const struct options *options,
    const struct conf *conf, const char *name, const char *who);
static bool put_free_addresses(FILE *out, const struct conf *conf,
    const char *who);
static bool find_free(const struct conf *conf, const struct prefix *network,
    struct addr *found);
static bool is_taken(const struct conf *conf, const struct addr *addr);
static bool choose_out(struct invitation *invitation,
    const struct options *options, const char *site, const char *who);
static bool make_invitation(struct invitation *invitation,
    const struct conf *conf, const struct conf_site *site,
    const struct site_credential *credential, const struct site_psk *psk,
    const char *who);
static bool has_wide_network(const struct conf *conf);
static bool may_tls_srp(const struct conf_site *site, const char *who);
static bool make_rsa(struct file_txn *undo, const struct conf *conf,
    const struct conf_site *site);
static bool write_site(struct file_txn *undo, const struct conf *conf,
    const struct conf_site *site);
static bool write_credential(struct file_txn *undo,
    const struct options *options,
    const struct conf *conf, const struct conf_site *site,
    const struct site_credential *credential);
static bool write_invitation(struct file_txn *undo,
    const struct invitation *invitation);
static void say_done(const struct conf_site *site,
    const struct invitation *invitation);
static void say_next(const struct conf *conf, const struct conf_site *site,
    const struct site_credential *credential,
    const struct invitation *invitation);

int
site_add(const struct options *options, const struct conf *conf,
    const char *name)
{
	char		who[WHO_SIZE];
	CONF_AUTO_FREE *after = NULL;

	snprintf(who, sizeof(who), "site %s", name);
	after = make_conf(options, conf, name, who);
	return after != NULL && make_all(options, after,
	    conf_find_site(after, name), false, who) ? 0 : 1;
}

int
site_add_again(const struct options *options, const struct conf *conf,
    const struct conf_site *site)
{
	char who[WHO_SIZE];

	snprintf(who, sizeof(who), "site %s", site->name);
	if (site->auth == CONF_AUTH_CERTIFICATE &&
	    !site_credential_is_our_ca(conf)) {
		log_warnx("%s: its certificate was issued by %s; get a new one "
			  "there, and revoke the old one in %s", who,
		    conf->site_ca, conf->crl);
		return 1;
	}
	return make_all(options, conf, site, true, who) ? 0 : 1;
}

/* Writes the site's own file last: from then on it may log in. */
static bool
make_all(const struct options *options, const struct conf *conf,
    const struct conf_site *site, bool again, const char *who)
{
	struct site_credential credential = { 0 };
	struct site_psk	       psk = { 0 };
	struct invitation      invitation = { .again = again };
	struct file_txn	       undo = { .who = who };
	sigset_t	       before;
	bool wants = !again || options->generate || options->out != NULL ||
	    site->auth == CONF_AUTH_CERTIFICATE;
	bool ok = may_tls_srp(site, who) &&
	    (!wants || choose_out(&invitation, options, site->name, who)) &&
	    site_credential_make(&credential, options, conf, site, who) &&
	    (!wants ||
		(site_psk_make(&psk, conf->dir, site->name, who) &&
		    make_invitation(&invitation, conf, site, &credential, &psk,
			who)));

	file_txn_hold_signals(&before);
	ok = ok && write_invitation(&undo, &invitation) &&
	    make_rsa(&undo, conf, site) &&
	    write_credential(&undo, options, conf, site, &credential) &&
	    (!wants || site_psk_write(&undo, &psk, conf->dir, site->name)) &&
	    (again || write_site(&undo, conf, site));
	if (file_txn_unless(&undo, ok)) {
		say_done(site, &invitation);
		say_next(conf, site, &credential, &invitation);
	}
	file_txn_release_signals(&before);
	secret_free(invitation.text, invitation.len + 1);
	site_credential_fini(&credential);
	secret_wipe(&psk, sizeof(psk));
	return ok;
}

/* The configuration with the new site, checked as a whole. */
static struct conf *
make_conf(const struct options *options, const struct conf *conf,
    const char *name, const char *who)
{
	struct lines lines;
	struct conf *after;
	bool	     ok;

	conf_print(lines_begin(&lines), conf);
	ok = put_site(lines.out, options, conf, name, who);
	after = lines_check(&lines, who, conf->dir);
	if (ok)
		return after;
	conf_free(after);
	return NULL;
}

static bool
put_site(FILE *out, const struct options *options, const struct conf *conf,
    const char *name, const char *who)
{
	fprintf(out, "\n[site %s]\n", name);
	if (options->auth != NULL)
		lines_put(out, "auth", options->auth);
	lines_put_list(out, "address", &options->addresses);
	lines_put_list(out, "subnet", &options->subnets);
	if (options->default_route)
		lines_put(out, "default-route", "yes");
	if (conf->mode == CONF_TUN && options->addresses.n == 0)
		return put_free_addresses(out, conf, who);
	return true;
}

static bool
put_free_addresses(FILE *out, const struct conf *conf, const char *who)
{
	char	    text[PREFIX_STRLEN];
	struct addr addr;

	for (size_t i = 0; i < conf->nsites; i++) {
		if (!conf->sites[i].faulty || conf->sites[i].addresses.n > 0)
			continue;
		log_warnx("%s: cannot choose a free address: the file of "
		    "site %s has an error; fix it, or use --address",
		    who, conf->sites[i].name);
		return false;
	}
	for (size_t i = 0; i < conf->tunnel_networks.n; i++) {
		const struct prefix *network = &conf->tunnel_networks.v[i];

		if (!find_free(conf, network, &addr)) {
			log_warnx("%s: no address is free in tunnel-network "
				  "%s; remove a site, or give --address", who,
			    prefix_print(network, text, sizeof(text)));
			return false;
		}
		lines_put(out, "address",
		    addr_print(&addr, text, sizeof(text)));
	}
	return true;
}

/*
 * The lowest after the server's own; the last of IPv4 is the broadcast address.
 */
static bool
find_free(const struct conf *conf, const struct prefix *network,
    struct addr *found)
{
	struct addr next = conf_server_address(network).addr;

	while (addr_next(&next) && prefix_contains(network, &next)) {
		*found = next;
		if (is_taken(conf, found))
			continue;
		if (found->family != AF_INET)
			return true;
		return addr_next(&next) && prefix_contains(network, &next);
	}
	return false;
}

/* Disabled sites count: they may be enabled again. */
static bool
is_taken(const struct conf *conf, const struct addr *addr)
{
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		for (size_t j = 0; j < site->addresses.n; j++) {
			if (addr_is_equal(&site->addresses.v[j].addr, addr))
				return true;
		}
		for (size_t j = 0; j < site->subnets.n; j++) {
			if (prefix_contains(&site->subnets.v[j], addr))
				return true;
		}
	}
	return false;
}

static bool
choose_out(struct invitation *invitation, const struct options *options,
    const char *site, const char *who)
{
	const size_t size = sizeof(invitation->out);
	int n = snprintf(invitation->out, size, "%s%s",
	    options->out != NULL ? options->out : site,
	    options->out != NULL ? "" : ".invite");

	if (n > 0 && (size_t)n < size)
		return true;
	log_warnx("%s: the path of --out is too long", who);
	return false;
}

static bool
make_invitation(struct invitation *invitation, const struct conf *conf,
    const struct conf_site *site, const struct site_credential *credential,
    const struct site_psk *psk, const char *who)
{
	struct invite invite = { .port = conf->port };
	AUTO(ca_pem_fini) struct ca_pem ca = { 0 };

	if (conf->names.n == 0) {
		log_warnx("%s: cannot write an invitation: " CONF_FILE " has "
		    "no valid `name`", who);
		return false;
	}
	if (!own_ca_read_cert(&ca, conf->dir, who))
		return false;
	strlcpy(invite.server, conf->names.v[0], sizeof(invite.server));
	strlcpy(invite.name, conf->names.v[0], sizeof(invite.name));
	strlcpy(invite.site, site->name, sizeof(invite.site));
	strlcpy(invite.mode, conf_mode_name(conf->mode), sizeof(invite.mode));
	strlcpy(invite.auth, conf_auth_name(site->auth), sizeof(invite.auth));
	strlcpy(invite.secret, credential->secret, sizeof(invite.secret));
	strlcpy(invite.psk, psk->line, sizeof(invite.psk));
	/* The site needs to know them: it forwards for them. */
	invite.nsubnets = site->subnets.n < INVITE_MAX_SUBNETS ?
	    site->subnets.n : INVITE_MAX_SUBNETS;
	invite.default_route = site->default_route ? INVITE_REQUIRED :
	    has_wide_network(conf)		   ? INVITE_OFFERED :
						     INVITE_NO_ROUTE;
	/* Borrowed, only for printing. */
	invite.subnets = site->subnets.v;
	invite.ca = ca.text;
	invite.certificate = credential->cert.text;
	invite.key = credential->key.text;
	invitation->text = invite_print(&invite, &invitation->len);
	secret_wipe(&invite, sizeof(invite));
	if (invitation->text == NULL)
		log_warnx("%s: out of memory", who);
	return invitation->text != NULL;
}

/* No private network is that large; a site has to accept it. */
static bool
has_wide_network(const struct conf *conf)
{
	for (size_t i = 0; i < conf->networks.n; i++) {
		if (conf->networks.v[i].len < 4)
			return true;
	}
	return false;
}

/* The parser knows what was built in; this checks what is loaded. */
static bool
may_tls_srp(const struct conf_site *site, const char *who)
{
	if (site->auth != CONF_AUTH_TLS_SRP || tls_srp_is_there())
		return true;
	log_warnx("%s: the GnuTLS on this host has no TLS-SRP; use --auth srp",
	    who);
	return false;
}

/* tls-srp's certificate is created when it is enabled. */
static bool
make_rsa(struct file_txn *undo, const struct conf *conf,
    const struct conf_site *site)
{
	AUTO(own_ca_fini) struct own_ca ca = { 0 };

	if (site->auth != CONF_AUTH_TLS_SRP || !own_ca_lacks_rsa(conf))
		return true;
	return own_ca_read(&ca, conf->dir, undo->who) &&
	    own_ca_make_rsa(undo, conf, &ca);
}

static bool
write_site(struct file_txn *undo, const struct conf *conf,
    const struct conf_site *site)
{
	char		name[SITE_FILE_MAX];
	AUTO_FREE char *text = conf_site_text(site);

	if (text == NULL)
		log_warn("%s", undo->who);
	return text != NULL && file_txn_create(undo, conf->dir,
	    site_file_conf(name, sizeof(name), site->name), text, 0644);
}

/*
 * Replaces the credential of an earlier site of that name, and revokes its
 * certificate.
 */
static bool
write_credential(struct file_txn *undo, const struct options *options,
    const struct conf *conf, const struct conf_site *site,
    const struct site_credential *credential)
{
	struct file_txn_owner owner = { (uid_t)-1, (gid_t)-1, 0644 };
	char		      name[SITE_FILE_MAX];
	AUTO_FREE char	     *path = must(file_join(conf->dir,
	    site_file_certificate(name, sizeof(name), site->name)));

	/* Kept before it is revoked and removed. */
	file_keep(path, &owner.mode, &owner.uid, &owner.gid);
	if (!own_ca_revoke(options, conf, site->name, undo->who))
		return false;
	/*
	 * If somebody removed the site by hand, its certificate is still there.
	 */
	if (site->auth == CONF_AUTH_CERTIFICATE)
		return credential->cert.text == NULL ||
		    file_txn_replace_as(undo, conf->dir, name,
			credential->cert.text, &owner);
	return file_txn_replace(undo, conf->dir,
	    site_file_credential(name, sizeof(name), site->name, site->auth),
	    credential->line, 0600);
}

static bool
write_invitation(struct file_txn *undo, const struct invitation *invitation)
{
	if (invitation->out[0] == '\0')
		return true;
	return file_txn_create(undo, ".", invitation->out, invitation->text,
	    0600);
}

static void
say_done(const struct conf_site *site, const struct invitation *invitation)
{
	char text[ADDR_STRLEN];

	printf("site %s %s", site->name,
	    invitation->again ? another[site->auth] : "is added");
	for (size_t i = 0; !invitation->again && i < site->addresses.n; i++)
		printf("%s %s", i == 0 ? ", address" : ",",
		    addr_print(&site->addresses.v[i].addr, text, sizeof(text)));
	printf("%s%s\n", invitation->out[0] != '\0' ?
		"; its invitation is " : "", invitation->out);
}

static void
say_next(const struct conf *conf, const struct conf_site *site,
    const struct site_credential *credential,
    const struct invitation *invitation)
{
	const char *update = invitation->again ? " --update" : "";
	const char *inside = credential->key.text != NULL ? "key" :
	    credential->secret[0] != '\0'		  ? "password" :
							    "pre-shared key";

	if (invitation->out[0] == '\0') {
		if (site->auth != CONF_AUTH_PAM)
			printf("next: put the same password into the site's "
			       CONF_KEEPER_DIR "/password\n");
		return;
	}
	printf("next: take it to the site in a safe way, since it contains the "
	       "%s; there: tombolo join%s %s", inside, update, invitation->out);
	if (site->auth == CONF_AUTH_CERTIFICATE && credential->key.text == NULL)
		printf(", with a certificate for %s from %s", site->name,
		    conf->site_ca);
	else if (site->auth != CONF_AUTH_CERTIFICATE &&
	    site->auth != CONF_AUTH_PAM && credential->secret[0] == '\0')
		printf(", with the password");
	putchar('\n');
}
