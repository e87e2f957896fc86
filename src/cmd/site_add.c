/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site_add.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "cmd/password.h"
#include "cmd/site_file.h"
#include "cmd/undo.h"
#include "keeper/auth_password.h"
#include "pki/ca.h"
#include "pki/invite.h"

#define WHO_SIZE (CONF_NAME_MAX + 16)

/* What there is to write, beside the site's own file. */
struct credential {
	char   hash[AUTH_PASSWORD_HASH_SIZE + 1]; /* with its newline */
	char  *invitation;
	size_t invitation_len;
	char   out[512]; /* where the invitation goes; empty: nowhere */
};

static struct conf *make_conf(const struct options *options,
    const struct conf *conf, const char *name, const char *who);
static bool put_site(FILE *out, const struct options *options,
    const struct conf *conf, const char *name, const char *who);
static bool put_free_addresses(FILE *out, const struct conf *conf,
    const char *who);
static bool find_free(const struct conf *conf, const struct prefix *network,
    struct addr *found);
static bool is_taken(const struct conf *conf, const struct addr *addr);
static bool make_credential(struct credential *credential,
    const struct options *options, const struct conf *conf,
    const struct conf_site *site, bool wants_invitation, const char *who);
static bool make_invitation(struct credential *credential,
    const struct conf *conf, const struct conf_site *site, const char *secret,
    const char *who);
static void free_credential(struct credential *credential);
static bool write_site(struct undo *undo, const struct conf *conf,
    const struct conf_site *site, const struct credential *credential);
static bool remove_stale(const struct conf *conf, const char *password_name);
static bool write_invitation(struct undo *undo,
    const struct credential *credential);
static bool write_hash(const struct conf *conf, const struct conf_site *site,
    const struct credential *credential, const char *who);
static void say_next(const struct options *options,
    const struct credential *credential);

int
site_add(const struct options *options, const struct conf *conf,
    const char *name)
{
	struct credential credential = { 0 };
	char		  who[WHO_SIZE];
	struct undo	  undo = { .who = who };
	const struct conf_site *site;
	struct conf	 *after;
	char		  text[ADDR_STRLEN];
	bool		  ok;

	snprintf(who, sizeof(who), "site %s", name);
	after = make_conf(options, conf, name, who);
	if (after == NULL)
		return 1;
	site = conf_find_site(after, name);
	ok = make_credential(&credential, options, after, site, true, who) &&
	    write_site(&undo, after, site, &credential);
	if (ok) {
		undo_nothing(&undo);
		printf("site %s is added", name);
		for (size_t i = 0; i < site->addresses.n; i++)
			printf("%s %s", i == 0 ? ", address" : ",",
			    addr_print(&site->addresses.v[i].addr, text,
				sizeof(text)));
		printf("; its invitation is %s\n", credential.out);
		say_next(options, &credential);
	} else {
		undo_all(&undo);
	}
	free_credential(&credential);
	conf_free(after);
	return ok ? 0 : 1;
}

int
site_add_password(const struct options *options, const struct conf *conf,
    const struct conf_site *site)
{
	struct credential credential = { 0 };
	char		  who[WHO_SIZE];
	struct undo	  undo = { .who = who };
	bool		  wants = options->generate || options->out != NULL;
	bool		  ok;

	snprintf(who, sizeof(who), "site %s", site->name);
	ok = make_credential(&credential, options, conf, site, wants, who) &&
	    write_invitation(&undo, &credential) &&
	    write_hash(conf, site, &credential, who);
	if (ok) {
		undo_nothing(&undo);
		printf("site %s has another password%s%s\n", site->name,
		    wants ? "; its invitation is " : "", credential.out);
		say_next(options, &credential);
	} else {
		undo_all(&undo);
	}
	free_credential(&credential);
	return ok ? 0 : 1;
}

/* The configuration as it would be with the site, checked as a whole. */
static struct conf *
make_conf(const struct options *options, const struct conf *conf,
    const char *name, const char *who)
{
	struct conf *after = NULL;
	char	    *text;
	size_t	     len;
	bool	     ok;
	FILE	    *out = open_memstream(&text, &len);

	if (out == NULL) {
		log_warn("%s", who);
		return NULL;
	}
	conf_print(out, conf);
	ok = put_site(out, options, conf, name, who);
	fclose(out);
	if (ok)
		after = options_check_text(text, len, who, conf->dir);
	free(text);
	return after;
}

static bool
put_site(FILE *out, const struct options *options, const struct conf *conf,
    const char *name, const char *who)
{
	fprintf(out, "\n[site %s]\n", name);
	if (options->auth != NULL)
		options_put(out, "auth", options->auth);
	options_put_list(out, "address", &options->addresses);
	options_put_list(out, "subnet", &options->subnets);
	if (conf->mode == CONF_TUN && options->addresses.n == 0)
		return put_free_addresses(out, conf, who);
	return true;
}

static bool
put_free_addresses(FILE *out, const struct conf *conf, const char *who)
{
	char	    text[PREFIX_STRLEN];
	struct addr addr;

	for (size_t i = 0; i < conf->tunnel_networks.n; i++) {
		const struct prefix *network = &conf->tunnel_networks.v[i];

		if (!find_free(conf, network, &addr)) {
			log_warnx("%s: no address is free in tunnel-network "
				  "%s; remove a site, or give --address", who,
			    prefix_print(network, text, sizeof(text)));
			return false;
		}
		options_put(out, "address",
		    addr_print(&addr, text, sizeof(text)));
	}
	return true;
}

/* The lowest behind the server's own; the last of IPv4 is the broadcast. */
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

/* By disabled sites too: they may come back. */
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
make_credential(struct credential *credential, const struct options *options,
    const struct conf *conf, const struct conf_site *site,
    bool wants_invitation, const char *who)
{
	char password[PASSWORD_SIZE];
	bool ok = true;
	int  r;

	if (options->generate)
		invite_draw_secret(password, sizeof(password));
	else
		ok = password_read(password, options->password_file, site->name,
		    PASSWORD_TWICE, who);
	if (ok && wants_invitation) {
		if (options->out != NULL)
			ok = strlcpy(credential->out, options->out,
				 sizeof(credential->out)) <
			    sizeof(credential->out);
		else
			snprintf(credential->out, sizeof(credential->out),
			    "%s.invite", site->name);
		if (!ok)
			log_warnx("%s: the path of --out is too long", who);
		ok = ok && make_invitation(credential, conf, site,
		    options->generate ? password : "", who);
	}
	if (ok) {
		r = auth_password_hash(password, credential->hash,
		    sizeof(credential->hash) - 1);
		strlcat(credential->hash, "\n", sizeof(credential->hash));
		if (r < 0)
			log_warnx("%s: the password cannot be hashed: %s", who,
			    strerror(-r));
		ok = r == 0;
	}
	secret_wipe(password, sizeof(password));
	return ok;
}

static bool
make_invitation(struct credential *credential, const struct conf *conf,
    const struct conf_site *site, const char *secret, const char *who)
{
	struct invite invite = { .port = conf->port };
	char	     *path = file_join(conf->dir, "ca.crt");
	size_t	      len;
	int	      r;

	r = path == NULL ? -ENOMEM :
			   file_read(path, CA_PEM_MAX, &invite.ca, &len);
	if (r < 0 || !ca_is_ca(invite.ca, len)) {
		log_warnx("%s: %s: %s", who, path != NULL ? path : "ca.crt",
		    r < 0 ? strerror(-r) : "expected one CA certificate in PEM");
		invite_fini(&invite);
		free(path);
		return false;
	}
	free(path);
	strlcpy(invite.server, conf->name, sizeof(invite.server));
	strlcpy(invite.name, conf->name, sizeof(invite.name));
	strlcpy(invite.site, site->name, sizeof(invite.site));
	strlcpy(invite.mode, conf_mode_name(conf->mode), sizeof(invite.mode));
	strlcpy(invite.auth, conf_auth_name(site->auth), sizeof(invite.auth));
	strlcpy(invite.secret, secret, sizeof(invite.secret));
	/* A site needs to know: it forwards for them. */
	for (size_t i = 0; i < site->subnets.n && i < INVITE_MAX_SUBNETS; i++)
		invite.subnets[invite.nsubnets++] = site->subnets.v[i];
	credential->invitation = invite_print(&invite,
	    &credential->invitation_len);
	if (credential->invitation == NULL)
		log_warnx("%s: there is no memory for the invitation", who);
	invite_fini(&invite);
	return credential->invitation != NULL;
}

static void
free_credential(struct credential *credential)
{
	secret_free(credential->invitation, credential->invitation_len + 1);
	secret_wipe(credential, sizeof(*credential));
}

/* The site's own file comes last: from then on it may log in. */
static bool
write_site(struct undo *undo, const struct conf *conf,
    const struct conf_site *site, const struct credential *credential)
{
	char   conf_name[SITE_FILE_MAX], password_name[SITE_FILE_MAX];
	struct undo_owner keeper;
	char  *text;
	size_t len;
	bool   ok;
	FILE  *out = open_memstream(&text, &len);

	if (out == NULL) {
		log_warn("%s", undo->who);
		return false;
	}
	conf_print_site(out, site);
	fclose(out);
	site_file_conf(conf_name, sizeof(conf_name), site->name);
	site_file_password(password_name, sizeof(password_name), site->name);
	ok = undo_find_keeper(&keeper, undo->who) &&
	    write_invitation(undo, credential) &&
	    remove_stale(conf, password_name) &&
	    undo_create(undo, conf->dir, password_name, credential->hash,
		strlen(credential->hash), 0600, keeper) &&
	    undo_create(undo, conf->dir, conf_name, text, len, 0644, UNDO_SELF);
	free(text);
	return ok;
}

/* A hash without its site: somebody removed the other file by hand. */
static bool
remove_stale(const struct conf *conf, const char *password_name)
{
	char *path = file_join(conf->dir, password_name);

	if (path != NULL)
		unlink(path);
	free(path);
	return path != NULL;
}

static bool
write_invitation(struct undo *undo, const struct credential *credential)
{
	if (credential->out[0] == '\0')
		return true;
	return undo_create(undo, ".", credential->out, credential->invitation,
	    credential->invitation_len, 0600, UNDO_SELF);
}

/* In one step: there is always the old one or the new one. */
static bool
write_hash(const struct conf *conf, const struct conf_site *site,
    const struct credential *credential, const char *who)
{
	char		  name[SITE_FILE_MAX];
	struct undo_owner keeper;
	char		 *path;
	int		  r = -ENOMEM;

	if (!undo_find_keeper(&keeper, who))
		return false;
	path = file_join(conf->dir,
	    site_file_password(name, sizeof(name), site->name));
	if (path != NULL)
		r = file_write(path, credential->hash,
		    strlen(credential->hash), 0600, keeper.uid, keeper.gid);
	if (r < 0)
		log_warnx("%s: %s: %s", who, path != NULL ? path : name,
		    strerror(-r));
	free(path);
	return r == 0;
}

static void
say_next(const struct options *options, const struct credential *credential)
{
	if (credential->out[0] == '\0')
		printf("next: put the same password into the site's "
		       CONF_KEEPER_DIR "/password\n");
	else if (options->generate)
		printf("next: take it to the site by a safe way, the password "
		       "is in it; there: tombolo join %s\n",
		    credential->out);
	else
		printf("next: take it to the site; there: tombolo join %s, "
		       "with the password\n",
		    credential->out);
}
