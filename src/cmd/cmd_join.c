/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_join: makes a satellite site from an invitation.
 *
 *   DIR/tombolo.conf     0644   made last
 *   DIR/ca.crt           0644   the only CA it will believe
 *   DIR/keeper/password  0600   the keeper's own; of no use with a certificate
 *   DIR/keeper/client.key       the same, and
 *   DIR/client.crt       0644   with a certificate
 *
 * The invitation was written elsewhere: its words become lines of a
 * configuration only through options_put() and the parser's checks.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "cmd/options.h"
#include "cmd/password.h"
#include "cmd/undo.h"
#include "conf/conf_keys.h"
#include "keeper/credentials.h"
#include "monitor/state_dir.h"
#include "pki/invite.h"

#define KEY_FILE  CONF_KEEPER_DIR "/" CREDENTIALS_SITE_KEY
#define CERT_FILE "client.crt"

static const struct options_spec spec = {
	.command = "join",
	.synopsis = "INVITE [-c FILE | --dir D] [--bridge BR] [--subnet CIDR]... "
		    "[--accept-default-route]\n           [--password-file F]",
	.help = "Makes a satellite site from an invitation of tombolo site "
		"add.  The password is\nwhat --password-file has, else the "
		"invitation's, else asked for (not with pam).",
	.takes = OPTION_WHERE | OPTION_BRIDGE | OPTION_SUBNET |
	    OPTION_ACCEPT_DEFAULT | OPTION_PASSWORD_FILE,
	.min_args = 1,
	.max_args = 1,
};

static bool is_free(const struct options *options);
static bool read_invite(struct invite *invite, const char *path);
static void warn_if_readable(const char *path);
static struct conf *make_conf(const struct options *options,
    const struct invite *invite);
static void put_subnets(FILE *out, const struct options *options,
    const struct invite *invite);
static bool get_password(char *dst, const struct options *options,
    const struct conf *conf, const struct invite *invite);
static bool write_all(const struct options *options, const struct conf *conf,
    const struct invite *invite, const char *password);
static bool write_files(struct undo *undo, const struct options *options,
    const char *text, size_t len, const struct invite *invite,
    const char *password);
static bool write_secrets(struct undo *undo, const char *dir,
    struct undo_owner keeper, const struct invite *invite,
    const char *password);
static void say_next(const struct options *options, const struct conf *conf,
    const struct invite *invite);
static const char *has_secret(const struct conf *conf,
    const struct invite *invite);

int
cmd_join(int argc, char **argv)
{
	struct options options;
	struct invite  invite;
	struct conf   *conf;
	char	       password[PASSWORD_SIZE];
	bool	       ok;
	int	       r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	if (!is_free(&options) || !read_invite(&invite, options.args[0]))
		return 1;
	conf = make_conf(&options, &invite);
	ok = conf != NULL && get_password(password, &options, conf, &invite);
	ok = ok && write_all(&options, conf, &invite, password);
	secret_wipe(password, sizeof(password));
	if (ok)
		say_next(&options, conf, &invite);
	conf_free(conf);
	invite_fini(&invite);
	return ok ? 0 : 1;
}

static bool
is_free(const struct options *options)
{
	char *path = options_config(options);
	bool  there = path != NULL &&
	    faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	if (there)
		log_warnx("join: %s is there already; choose another --dir, "
			  "or move it away", path);
	free(path);
	return !there;
}

static bool
read_invite(struct invite *invite, const char *path)
{
	char   why[128];
	char  *text;
	size_t len;
	bool   ok;
	int    r = file_read(path, INVITE_MAX, &text, &len);

	if (r < 0) {
		log_warnx("join: %s: %s", path, r == -EFBIG ?
			"is larger than any invitation" : strerror(-r));
		return false;
	}
	ok = invite_parse(invite, text, len, why, sizeof(why));
	secret_free(text, len + 1);
	if (!ok)
		log_warnx("join: %s: %s", path, why);
	else if (invite->secret[0] != '\0' || invite->key != NULL)
		warn_if_readable(path);
	return ok;
}

static void
warn_if_readable(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
		log_warnx("join: %s: others on this host can read the secret "
			  "in it; chmod 600, or remove it after this", path);
}

static struct conf *
make_conf(const struct options *options, const struct invite *invite)
{
	struct addr  addr;
	struct conf *conf;
	char	     server[sizeof(invite->server) + 16];
	char	    *text;
	size_t	     len;
	FILE	    *out = open_memstream(&text, &len);

	if (out == NULL) {
		log_warn("join");
		return NULL;
	}
	snprintf(server, sizeof(server),
	    addr_parse(&addr, invite->server) && addr.family == AF_INET6 ?
		"[%s]:%u" : "%s:%u", invite->server, invite->port);
	fprintf(out, "[client]\n");
	options_put(out, "server", server);
	options_put(out, "name", invite->name);
	options_put(out, "site", invite->site);
	options_put(out, "auth", invite->auth);
	put_subnets(out, options, invite);
	if (options->accept_default_route)
		options_put(out, "accept-default-route", "yes");
	fprintf(out, "[interface]\n");
	options_put(out, "mode", invite->mode);
	if (options->bridge != NULL)
		options_put(out, "bridge", options->bridge);
	fclose(out);
	conf = options_check_text(text, len, spec.command, options->dir);
	free(text);
	return conf;
}

/* The invitation's networks, and those asked for that are not among them. */
static void
put_subnets(FILE *out, const struct options *options,
    const struct invite *invite)
{
	struct prefix asked;
	char	      text[PREFIX_STRLEN];
	bool	      there;

	for (size_t i = 0; i < invite->nsubnets; i++)
		options_put(out, "subnet",
		    prefix_print(&invite->subnets[i], text, sizeof(text)));
	for (size_t i = 0; i < options->subnets.n; i++) {
		there = false;
		for (size_t j = 0; j < invite->nsubnets; j++)
			there = there ||
			    (prefix_parse(&asked, options->subnets.v[i]) &&
				prefix_is_equal(&asked, &invite->subnets[j]));
		if (!there)
			options_put(out, "subnet", options->subnets.v[i]);
	}
}

static bool
get_password(char *dst, const struct options *options, const struct conf *conf,
    const struct invite *invite)
{
	*dst = '\0';
	if (conf->auth == CONF_AUTH_CERTIFICATE) {
		if (options->password_file == NULL)
			return true;
		options_wrong(&spec, "a certificate needs no password");
		return false;
	}
	if (options->password_file == NULL && invite->secret[0] != '\0') {
		strlcpy(dst, invite->secret, PASSWORD_SIZE);
		return true;
	}
	/* It may be another one each time: tombolo login asks then. */
	if (conf->auth == CONF_AUTH_PAM && options->password_file == NULL)
		return true;
	return password_read(dst, options->password_file, invite->site,
	    PASSWORD_ONCE, spec.command);
}

static bool
write_all(const struct options *options, const struct conf *conf,
    const struct invite *invite, const char *password)
{
	struct undo undo = { .who = spec.command };
	char	   *text;
	size_t	    len;
	bool	    ok;
	FILE	   *out = open_memstream(&text, &len);

	if (out == NULL) {
		log_warn("join");
		return false;
	}
	conf_print_commented(out, conf);
	fclose(out);
	ok = write_files(&undo, options, text, len, invite, password);
	if (ok)
		undo_nothing(&undo);
	else
		undo_all(&undo);
	free(text);
	return ok;
}

static bool
write_files(struct undo *undo, const struct options *options, const char *text,
    size_t len, const struct invite *invite, const char *password)
{
	const char *dir = options->dir;
	struct undo_owner keeper;
	char		  id[STATE_DIR_ID_SIZE];

	state_dir_make_id(id);
	return undo_find_keeper(&keeper, spec.command) &&
	    undo_mkdir(undo, dir, "", 0755, UNDO_SELF) &&
	    undo_mkdir(undo, dir, CONF_KEEPER_DIR, 0700, keeper) &&
	    undo_create(undo, dir, "ca.crt", invite->ca, strlen(invite->ca),
		0644, UNDO_SELF) &&
	    write_secrets(undo, dir, keeper, invite, password) &&
	    undo_create(undo, dir, STATE_DIR_ID_FILE, id, strlen(id), 0644,
		UNDO_SELF) &&
	    undo_create(undo, dir, options->file, text, len, 0644, UNDO_SELF);
}

/* A password, or a certificate and its key; or neither yet. */
static bool
write_secrets(struct undo *undo, const char *dir, struct undo_owner keeper,
    const struct invite *invite, const char *password)
{
	char line[PASSWORD_SIZE + 1];
	bool ok = true;

	if (invite->key != NULL)
		ok = undo_create(undo, dir, KEY_FILE, invite->key,
			 strlen(invite->key), 0600, keeper) &&
		    undo_create(undo, dir, CERT_FILE, invite->certificate,
			strlen(invite->certificate), 0644, UNDO_SELF);
	if (!ok || *password == '\0')
		return ok;
	snprintf(line, sizeof(line), "%s\n", password);
	ok = undo_create(undo, dir, CONF_KEEPER_DIR "/" CREDENTIALS_SECRET,
	    line, strlen(line), 0600, keeper);
	secret_wipe(line, sizeof(line));
	return ok;
}

static void
say_next(const struct options *options, const struct conf *conf,
    const struct invite *invite)
{
	if (conf->mode == CONF_TAP && conf->bridge[0] == '\0')
		printf("no --bridge: this host alone will be on the Ethernet; "
		       "set bridge in %s/%s to join its LAN\n",
		    options->dir, options->file);
	else
		printf("site %s of %s: %s/%s is written\n", invite->site,
		    invite->server, options->dir, options->file);
	if (conf->auth == CONF_AUTH_CERTIFICATE && invite->key == NULL)
		printf("first: put the site's certificate into %s/%s, and its "
		       "key into %s/%s (chmod 600)\n",
		    options->dir, CERT_FILE, options->dir, KEY_FILE);
	printf("next: tombolo run");
	options_put_where(options);
	printf("%s\n", has_secret(conf, invite));
}

static const char *
has_secret(const struct conf *conf, const struct invite *invite)
{
	if (invite->key != NULL)
		return "; the invitation holds the key: remove it";
	if (invite->secret[0] != '\0')
		return "; the invitation holds the password: remove it";
	return conf->auth == CONF_AUTH_PAM ?
	    "; tombolo login answers what the server asks" : "";
}
