/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options: what the subcommands take on their command lines.
 *
 * One table has every option of every command, so that an option means the
 * same everywhere; a command says which ones it takes.  --help and the
 * complaints about wrong usage are made here.  No option carries a secret:
 * a command line is seen by everyone on the host.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "conf/conf.h"

/* Which options a command takes; --help it always has. */
enum options_flag {
	OPTION_DIR = 1 << 0,		  /* --dir D */
	OPTION_CONFIG = 1 << 1,		  /* -c, --config FILE */
	OPTION_SOCKET = 1 << 2,		  /* --socket PATH */
	OPTION_JSON = 1 << 3,		  /* --json */
	OPTION_VERBOSE = 1 << 6,	  /* -v, --verbose (again: more) */
	OPTION_NAME = 1 << 7,		  /* --name HOST[:PORT] */
	OPTION_MODE = 1 << 8,		  /* --mode tap|tun */
	OPTION_BRIDGE = 1 << 9,		  /* --bridge BR */
	OPTION_NETWORK = 1 << 10,	  /* --network CIDR... */
	OPTION_TUNNEL_NETWORK = 1 << 11,  /* --tunnel-network CIDR... */
	OPTION_NAT = 1 << 12,		  /* --nat */
	OPTION_GENERATE = 1 << 13,	  /* --generate */
	OPTION_PASSWORD_FILE = 1 << 14,	  /* --password-file F */
	OPTION_AUTH = 1 << 15,		  /* --auth METHOD */
	OPTION_ADDRESS = 1 << 16,	  /* --address A... */
	OPTION_SUBNET = 1 << 17,	  /* --subnet CIDR... */
	OPTION_OUT = 1 << 18,		  /* --out FILE */
	OPTION_AUTHS = 1 << 19,		  /* --auth METHOD... */
	OPTION_DNS = 1 << 20,		  /* --dns A... */
	OPTION_DEFAULT_ROUTE = 1 << 21,	  /* --default-route */
	OPTION_ACCEPT_DEFAULT = 1 << 22,  /* --accept-default-route */
	OPTION_RENEW = 1 << 23,		  /* --renew */
	OPTION_FOREGROUND = 1 << 4,	  /* --foreground */
	OPTION_SWEEP = 1 << 5,		  /* --sweep */
	OPTION_LOG_LEVEL = 1 << 24,	  /* --log-level LEVEL */
	OPTION_WAIT = 1 << 25,		  /* --wait SECONDS */
	OPTION_WAIT_OR = 1 << 26,	  /* --wait[=SECONDS] */
	OPTION_STATIC = 1 << 27,	  /* --static */
	OPTION_UPDATE = 1 << 28,	  /* --update */
	OPTION_NEW_CA = 1 << 29,	  /* --new-ca */
	OPTION_NO_DEFAULT = 1 << 30,	  /* --no-default-route */
	/* Every command that has to do with a configuration. */
	OPTION_WHERE = OPTION_DIR | OPTION_CONFIG,
};

#define OPTIONS_MAX_LIST 64
#define OPTIONS_MAX_DIR	 512

/* The values of an option that may be given again; borrowed from argv. */
struct options_list {
	const char *v[OPTIONS_MAX_LIST];
	unsigned    n;
};

/* Strings are borrowed from argv; NULL is "not given". */
struct options {
	char dir[OPTIONS_MAX_DIR]; /* of --dir or -c; default CONF_DIR */
	const char *file; /* its name there: of -c; default CONF_FILE */
	const char *where, *config; /* --dir and -c as they were given */
	const char *socket;
	bool	    json;
	unsigned    verbose;

	const char *name, *mode, *bridge;
	bool	    nat, generate, default_route, accept_default_route, renew;
	bool	    foreground, sweep, only_static, update, new_ca;
	bool	    no_default_route;
	const char *password_file, *auth, *out, *log_level, *wait;
	int	    seconds; /* of --wait; -1: it is not given */
	struct options_list networks, tunnel_networks, addresses, subnets;
	struct options_list auths, dns;

	char **args; /* what is no option; borrowed */
	int    nargs;
};

struct options_spec {
	const char *command; /* "site add" */
	const char *synopsis; /* what follows it: "NAME [--dir D]" */
	const char *help; /* what it does, a line or more */
	unsigned    takes; /* OPTION_... */
	int	    min_args, max_args;
};

#define OPTIONS_GO_ON (-1)

/*
 * "--dir D status" becomes "status --dir D": argv[1] is the command then, if
 * there is one behind options that say where.
 */
void options_command_first(int argc, char **argv);

/*
 * Reads argv (argv[0] is skipped).  Returns OPTIONS_GO_ON, or the exit status:
 * 0 after --help on stdout, 2 after one line on stderr.
 */
int options_parse(struct options *options, const struct options_spec *spec,
    int argc, char **argv);

/* One line "COMMAND: ...; see tombolo COMMAND --help" on stderr; returns 2. */
int options_wrong(const struct options_spec *spec, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

/* "DIR/tombolo.conf" or what -c says; the caller frees. */
char *options_config(const struct options *options);

/*
 * Whose the daemon must be: the configuration, as conf_socket_resolve() names it.  A
 * new string; NULL with --socket, which is taken as given.
 */
char *options_owner(const struct options *options);

/*
 * The local socket: --socket's, or the configuration's, even if that has
 * errors or is gone.  A new string, or NULL after one line on stderr: it
 * belongs to another configuration.
 */
char *options_socket(const struct options *options);

/* admin_call_or_say() there. */
json_t *options_ask(const struct options *options, json_t *request);

/*
 * Loads `path`; complaints go to stderr, a line each.  The caller owns the conf.
 */
struct conf *options_load(const char *path, enum conf_load how);
/* The same without a word. */
struct conf *options_try(const char *path, enum conf_load how);

/* " -c FILE" for a command that is to follow; nothing by default. */
void options_put_where(const struct options *options);

#endif /* OPTIONS_H */
