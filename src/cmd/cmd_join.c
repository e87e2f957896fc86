/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_join: sets up a satellite site from an invitation.
 *
 *   DIR/tombolo.conf     0644   written last
 *   DIR/ca.crt           0644   the only CA it trusts
 *   DIR/keeper/password  0600   owned by the keeper; not with a certificate
 *   DIR/keeper/psk       0600   the same: the pre-shared key, if there is one
 *   DIR/keeper/client.key       the same, and
 *   DIR/client.crt       0644   with a certificate
 *
 * With --update the site exists already: the CA, the secrets and those lines
 * that the invitation determines are replaced, all or none; everything else
 * stays.
 *
 * The invitation comes from elsewhere: its values become lines of a
 * configuration only through lines_put() and the parser's checks.
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

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "cmd/join_conf.h"
#include "cmd/util/options.h"
#include "cmd/util/password.h"
#include "cmd/util/file_txn.h"
#include "keeper/credentials.h"
#include "monitor/state/state_dir.h"
#include "pki/invite.h"

#define KEY_FILE  CONF_KEEPER_DIR "/" CREDENTIALS_SITE_KEY

static const struct options_spec spec = {
	.command = "join",
	.synopsis = "INVITE [-c FILE | --dir D] [--update [--new-ca]] "
		    "[--bridge BR]\n           [--subnet CIDR]... "
		    "[--accept-default-route] [--password-file F]",
	.help = "Sets up a site from an invitation of tombolo site add.  The "
		"password is that of\n--password-file or of the invitation; "
		"else the command asks for it (not with pam).",
	.takes = OPTION_WHERE | OPTION_BRIDGE | OPTION_SUBNET |
	    OPTION_ACCEPT_DEFAULT | OPTION_PASSWORD_FILE | OPTION_UPDATE |
	    OPTION_NEW_CA,
	.min_args = 1,
	.max_args = 1,
};

static bool is_free(const struct options *options);
static bool read_invite(struct invite *invite, const char *path);
static void warn_if_readable(const char *path);
static bool may_join(const struct conf *conf, const struct invite *invite);
static bool get_password(char *dst, const struct options *options,
    const struct conf *conf, const struct invite *invite);
static bool write_all(const struct options *options, const struct conf *conf,
    const char *text, const struct invite *invite, const char *password);
static bool write_files(struct file_txn *undo, const struct options *options,
    const struct conf *conf, const char *text, const struct invite *invite,
    const char *password);
static bool write_secrets(struct file_txn *undo, file_txn_put_fn *write,
    const struct conf *conf, const struct invite *invite, const char *password);
static bool write_line(struct file_txn *undo, file_txn_put_fn *write,
    const char *dir, const char *name, const char *line);
static void say_next(const struct options *options, const struct conf *conf,
    const struct invite *invite);
static const char *has_secret(const struct conf *conf,
    const struct invite *invite);

int
cmd_join(int argc, char **argv)
{
	AUTO(invite_fini) struct invite invite = { 0 };
	AUTO_FREE char *text = NULL;
	CONF_AUTO_FREE *conf = NULL;
	struct options	options;
	char		password[PASSWORD_SIZE];
	sigset_t	before;
	bool		ok;
	int		r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	if (options.new_ca && !options.update)
		return options_wrong(&spec, "--new-ca needs --update");
	if ((!options.update && !is_free(&options)) ||
	    !read_invite(&invite, options.args[0]))
		return 1;
	conf = options.update ? join_conf_update(&options, &invite, &text) :
				join_conf_make(&options, &invite, &text);
	if (conf == NULL || !may_join(conf, &invite) ||
	    !get_password(password, &options, conf, &invite))
		return 1;
	file_txn_hold_signals(&before);
	ok = write_all(&options, conf, text, &invite, password);
	secret_wipe(password, sizeof(password));
	if (ok)
		say_next(&options, conf, &invite);
	file_txn_release_signals(&before);
	return ok ? 0 : 1;
}

static bool
is_free(const struct options *options)
{
	AUTO_FREE char *path = options_config(options);

	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	log_warnx("join: %s is there already; --update changes it, another "
		  "--dir makes another site", path);
	return false;
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
	else if (invite->secret[0] != '\0' || invite->psk[0] != '\0' ||
	    invite->key != NULL)
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

/*
 * The hub would refuse it for ever; only this host's administrator may accept
 * it.
 */
static bool
may_join(const struct conf *conf, const struct invite *invite)
{
	if (conf->accept_default_route ||
	    invite->default_route == INVITE_NO_ROUTE)
		return true;
	if (invite->default_route == INVITE_REQUIRED)
		log_warnx("join: the hub sends all traffic of site %s through "
			  "the tunnel: add --accept-default-route to allow "
			  "that, or ask for an invitation without it",
		    invite->site);
	else
		log_warnx("join: the hub has a default route for its sites, and "
			  "this site cannot connect until accept-default-route "
			  "= yes is set, as join --update "
			  "--accept-default-route does");
	return invite->default_route == INVITE_OFFERED;
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
	if (options->password_file == NULL)
		strlcpy(dst, invite->secret, PASSWORD_SIZE);
	/* PAM may ask for something else each time; then tombolo login asks. */
	if (*dst != '\0' ||
	    (conf->auth == CONF_AUTH_PAM && options->password_file == NULL))
		return true;
	return password_read(dst, options->password_file, invite->site,
	    PASSWORD_ONCE, spec.command);
}

static bool
write_all(const struct options *options, const struct conf *conf,
    const char *text, const struct invite *invite, const char *password)
{
	struct file_txn undo = { .who = spec.command };

	return file_txn_unless(&undo, write_files(&undo, options, conf, text,
	    invite, password));
}

static bool
write_files(struct file_txn *undo, const struct options *options,
    const struct conf *conf, const char *text, const struct invite *invite,
    const char *password)
{
	file_txn_put_fn	 *write = options->update ? file_txn_replace :
	    file_txn_create;
	const char	 *dir = options->dir;
	char		  id[STATE_DIR_ID_SIZE];

	state_dir_make_id(id);
	return file_txn_mkdir(undo, dir, "", 0755) &&
	    file_txn_mkdir(undo, dir, CONF_KEEPER_DIR, 0700) &&
	    ((options->update && join_conf_has_ca(conf, invite)) ||
		write(undo, dir, conf->ca, invite->ca, 0644)) &&
	    write_secrets(undo, write, conf, invite, password) &&
	    (options->update ||
		file_txn_create(undo, dir, STATE_DIR_ID_FILE, id, 0644)) &&
	    write(undo, dir, options->file, text, 0644);
}

/*
 * The password, or a certificate and its key, or neither yet; and the
 * pre-shared key.
 */
static bool
write_secrets(struct file_txn *undo, file_txn_put_fn *write,
    const struct conf *conf, const struct invite *invite, const char *password)
{
	const char *dir = conf->dir;

	return (invite->key == NULL ||
		   (write(undo, dir, KEY_FILE, invite->key, 0600) &&
		       write(undo, dir, conf->site_certificate,
			   invite->certificate, 0644))) &&
	    write_line(undo, write, dir, CONF_KEEPER_DIR "/" CREDENTIALS_PSK,
		invite->psk) &&
	    write_line(undo, write, dir, CONF_KEEPER_DIR "/" CREDENTIALS_SECRET,
		password);
}

/* If there is one. */
static bool
write_line(struct file_txn *undo, file_txn_put_fn *write, const char *dir,
    const char *name, const char *line)
{
	char text[PASSWORD_SIZE + 1];
	bool ok;

	if (*line == '\0')
		return true;
	snprintf(text, sizeof(text), "%s\n", line);
	ok = write(undo, dir, name, text, 0600);
	secret_wipe(text, sizeof(text));
	return ok;
}

static void
say_next(const struct options *options, const struct conf *conf,
    const struct invite *invite)
{
	if (options->update)
		printf("site %s of %s: %s/%s is updated\n", invite->site,
		    invite->server, options->dir, options->file);
	else if (conf->mode == CONF_TAP && conf->bridge[0] == '\0')
		printf("no --bridge: this host alone will be on the Ethernet; "
		       "set bridge in %s/%s to join its LAN\n",
		    options->dir, options->file);
	else
		printf("site %s of %s: %s/%s is written\n", invite->site,
		    invite->server, options->dir, options->file);
	if (conf->auth == CONF_AUTH_CERTIFICATE && invite->key == NULL)
		printf("first: put the site's certificate into %s/%s, and its "
		       "key into %s/%s (chmod 600)\n",
		    options->dir, conf->site_certificate, options->dir, KEY_FILE);
	printf("next: tombolo %s", options->update ? "reload" : "run");
	options_put_where(options);
	printf("%s%s\n", options->update ? ", if the daemon runs" : "",
	    has_secret(conf, invite));
}

static const char *
has_secret(const struct conf *conf, const struct invite *invite)
{
	if (invite->key != NULL)
		return "; the invitation holds the key: remove it";
	if (invite->secret[0] != '\0')
		return "; the invitation holds the password: remove it";
	if (conf->auth == CONF_AUTH_PAM)
		return "; answer the hub's questions with tombolo login";
	return invite->psk[0] != '\0' ?
	    "; the invitation holds the pre-shared key: remove it" : "";
}
