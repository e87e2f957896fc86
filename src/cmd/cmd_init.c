/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_init: creates a primary site: CA, the server's key and certificate, and a
 * tombolo.conf with explanations.
 *
 *   DIR/tombolo.conf        0644   written last: without it there is no site
 *   DIR/ca.crt, server.crt  0644
 *   DIR/crl.pem             0644   an empty list
 *   DIR/ca.key              0600   root's: no daemon reads it
 *   DIR/server-rsa.crt      0644   only with --auth tls-srp
 *   DIR/sites.d/            0755
 *   DIR/keeper/             0700   owned by the keeper, with everything in it
 */
#include "cmd/cmd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/init_renew.h"
#include "cmd/util/lines.h"
#include "cmd/util/must.h"
#include "cmd/util/options.h"
#include "cmd/site/own_ca.h"
#include "cmd/util/file_txn.h"
#include "conf/conf_keys.h"
#include "conf/conf_types.h"
#include "keeper/credentials.h"
#include "monitor/state/state_dir.h"
#include "pki/ca.h"

static const struct options_spec spec = {
	.command = "init",
	.synopsis = "--name HOST[:PORT] [-c FILE | --dir D] [--mode tap|tun] "
		    "[--bridge BR]\n           [--network CIDR]... "
		    "[--tunnel-network CIDR]... [--nat]\n           "
		    "[--dns A]... [--auth METHOD]...\n"
		    "       tombolo init --renew [-c FILE | --dir D]",
	.help = "Sets up a hub: a CA, its key and certificate, and "
		"a\nconfiguration with comments that explain it.",
	.takes = OPTION_NAME | OPTION_WHERE | OPTION_MODE | OPTION_BRIDGE |
	    OPTION_NETWORK | OPTION_TUNNEL_NETWORK | OPTION_NAT | OPTION_DNS |
	    OPTION_AUTHS | OPTION_RENEW,
};

/* Everything that is written to files. */
struct site_keys {
	struct own_ca ca;
	struct ca_pem server_key, server_cert;
};

static bool says_more(const struct options *options);
static bool is_free(const struct options *options, const char *name);
static struct conf *make_conf(const struct options *options, const char *host,
    uint16_t port);
static bool make_keys(struct site_keys *keys, const struct conf *conf);
static void free_keys(struct site_keys *keys);
static bool write_all(const struct options *options, const struct conf *conf,
    const struct site_keys *keys);
static bool write_files(struct file_txn *undo, const struct options *options,
    const struct conf *conf, const char *text, const struct site_keys *keys);
static void say_next(const struct options *options, const struct conf *conf);

int
cmd_init(int argc, char **argv)
{
	AUTO(free_keys) struct site_keys keys = { 0 };
	CONF_AUTO_FREE *conf = NULL;
	struct options	options;
	char		list[CONF_WHY_SIZE], host[254];
	enum conf_mode	mode;
	uint16_t	port = CONF_PORT;
	sigset_t	before;
	bool		ok;
	int		r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	if (options.renew && says_more(&options))
		return options_wrong(&spec, "--renew takes only --dir or -c");
	if (options.renew)
		return init_renew(&options);
	if (options.name == NULL)
		return options_wrong(&spec, "--name HOST is needed");
	if (!endpoint_split(options.name, host, sizeof(host), &port) ||
	    !conf_types_is_host(host))
		return options_wrong(&spec,
		    "--name %s: expected HOST, HOST:PORT or [V6]:PORT, the "
		    "port from 1 to 65535", options.name);
	if (options.mode != NULL && 
	    !words_find(&conf_words_mode, options.mode, &mode))
		return options_wrong(&spec, "--mode %s: expected %s",
		    options.mode, words_print(&conf_words_mode, list,
		    sizeof(list)));
	if (!is_free(&options, options.file) || !is_free(&options, OWN_CA_KEY))
		return 1;
	conf = make_conf(&options, host, port);
	if (conf == NULL)
		return 1;
	file_txn_hold_signals(&before);
	ok = make_keys(&keys, conf) && write_all(&options, conf, &keys);
	if (ok)
		say_next(&options, conf);
	file_txn_release_signals(&before);
	return ok ? 0 : 1;
}

/* Than where the site is. */
static bool
says_more(const struct options *options)
{
	return options->name != NULL || options->mode != NULL ||
	    options->bridge != NULL || options->nat ||
	    options->networks.n > 0 || options->tunnel_networks.n > 0 ||
	    options->auths.n > 0;
}

/* A second init would make a CA that no satellite trusts. */
static bool
is_free(const struct options *options, const char *name)
{
	AUTO_FREE char *path = must(file_join(options->dir, name));

	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	log_warnx("init: %s is there already; choose another --dir, or move it "
		  "away", path);
	return false;
}

static struct conf *
make_conf(const struct options *options, const char *host, uint16_t port)
{
	struct lines lines;
	FILE	    *out = lines_begin(&lines);

	fprintf(out, "[server]\nname = %s\nport = %u\n", host, port);
	lines_put_list(out, "auth", &options->auths);
	fprintf(out, "[interface]\n");
	if (options->mode != NULL)
		lines_put(out, "mode", options->mode);
	if (options->bridge != NULL)
		lines_put(out, "bridge", options->bridge);
	if (options->nat)
		lines_put(out, "nat", "yes");
	lines_put_list(out, "network", &options->networks);
	lines_put_list(out, "tunnel-network", &options->tunnel_networks);
	lines_put_list(out, "dns", &options->dns);
	return lines_check(&lines, spec.command, options->dir);
}

static bool
make_keys(struct site_keys *keys, const struct conf *conf)
{
	time_t now = ca_now();
	int    r;

	if ((r = ca_make_key(&keys->ca.key)) < 0 ||
	    (r = ca_make(&keys->ca.key, conf->names.v[0], now,
		 &keys->ca.cert)) < 0 ||
	    (r = ca_make_key(&keys->server_key)) < 0 ||
	    (r = ca_sign_server(&keys->ca.cert, &keys->ca.key,
		 &keys->server_key, conf->names.v, conf->names.n, now,
		 &keys->server_cert)) < 0) {
		log_warnx("init: cannot make the certificates: %s",
		    strerror(-r));
		return false;
	}
	return true;
}

static void
free_keys(struct site_keys *keys)
{
	own_ca_fini(&keys->ca);
	ca_pem_fini(&keys->server_key);
	ca_pem_fini(&keys->server_cert);
}

static bool
write_all(const struct options *options, const struct conf *conf,
    const struct site_keys *keys)
{
	struct file_txn undo = { .who = spec.command };
	AUTO_FREE char *text = must(conf_print_commented(conf));

	return file_txn_unless(&undo, write_files(&undo, options, conf, text,
	    keys));
}

static bool
write_files(struct file_txn *undo, const struct options *options,
    const struct conf *conf, const char *text, const struct site_keys *keys)
{
	const char *dir = options->dir;
	bool wants_rsa = (conf->auths & CONF_AUTH_BIT(CONF_AUTH_TLS_SRP)) != 0;
	char id[STATE_DIR_ID_SIZE];

	state_dir_make_id(id);
	return file_txn_mkdir(undo, dir, "", 0755) &&
	    file_txn_mkdir(undo, dir, CONF_SITES_DIR, 0755) &&
	    file_txn_mkdir(undo, dir, CONF_KEEPER_DIR, 0700) &&
	    file_txn_mkdir(undo, dir, CONF_KEEPER_DIR "/sites", 0700) &&
	    file_txn_create(undo, dir, OWN_CA_KEY, keys->ca.key.text, 0600) &&
	    file_txn_create(undo, dir, OWN_CA_CERT, keys->ca.cert.text, 0644) &&
	    file_txn_create(undo, dir, CONF_KEEPER_DIR "/" CREDENTIALS_KEY,
		keys->server_key.text, 0600) &&
	    file_txn_create(undo, dir, "server.crt", keys->server_cert.text,
		0644) &&
	    own_ca_make_crl(undo, dir, &keys->ca) &&
	    (!wants_rsa || own_ca_make_rsa(undo, conf, &keys->ca)) &&
	    file_txn_create(undo, dir, STATE_DIR_ID_FILE, id, 0644) &&
	    file_txn_create(undo, dir, options->file, text, 0644);
}

static void
say_next(const struct options *options, const struct conf *conf)
{
	printf("%s/%s is written; keep a copy of %s/%s in a safe place%s\n",
	    options->dir, options->file, options->dir, OWN_CA_KEY,
	    conf->mode == CONF_TAP && conf->bridge[0] == '\0' ?
		"\nno --bridge: set bridge in it to join this host's LAN" :
		"");
	printf("next: tombolo site add NAME --generate");
	options_put_where(options);
	printf(", then tombolo run");
	options_put_where(options);
	putchar('\n');
}
