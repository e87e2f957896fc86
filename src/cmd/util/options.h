/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options: the command line options of all subcommands.
 *
 * One table has every option of every command, so that an option means the same
 * everywhere; each command says which ones it accepts.  --help and the messages
 * about wrong usage are generated here.  No option carries a secret, because
 * every user of the host can see a command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "conf/conf.h"

/* In the order in which --help shows them. */
/* clang-format off */
/*	option, name, letter (0: none), kind, where it goes, argument, help */
#define OPTIONS(X)                                                             \
	X(NAME, "name", 0, STRING, name, "HOST[:PORT]",                        \
	    "where sites will find this host: name or address")                \
	X(DIR, "dir", 0, STRING, where, "D",                                   \
	    "the configuration's directory (default " CONF_DIR ")")            \
	X(CONFIG, "config", 'c', STRING, config, "FILE",                       \
	    "the configuration (default " CONF_DIR "/" CONF_FILE ")")          \
	X(SOCKET, "socket", 0, STRING, socket, "PATH",                         \
	    "the daemon's local socket (default: what the configuration says)") \
	X(MODE, "mode", 0, STRING, mode, "tap|tun",                            \
	    "one Ethernet (tap, the default) or one routed network (tun)")     \
	X(BRIDGE, "bridge", 0, STRING, bridge, "BR",                           \
	    "tap: the bridge to join")                                         \
	X(NETWORK, "network", 0, LIST, networks, "CIDR",                       \
	    "tun: a network here that sites get a route to; may be repeated")  \
	X(TUNNEL_NETWORK, "tunnel-network", 0, LIST, tunnel_networks, "CIDR",  \
	    "tun: where tunnel addresses come from (default 10.4.2.0/24)")     \
	X(NAT, "nat", 0, FLAG, nat, NULL,                                      \
	    "tun: packets from sites leave with this host's address")          \
	X(DNS, "dns", 0, LIST, dns, "A",                                       \
	    "tun: a DNS server for sites that accept one; may be repeated")    \
	X(DEFAULT_ROUTE, "default-route", 0, FLAG, default_route, NULL,        \
	    "tun: all traffic of the site goes through the tunnel")            \
	X(NO_DEFAULT, "no-default-route", 0, FLAG, no_default_route, NULL,     \
	    "tun: only traffic to the tunnel's networks does")                 \
	X(ACCEPT_DEFAULT, "accept-default-route", 0, FLAG, accept_default_route, NULL, \
	    "tun: the hub may take all this host's traffic, and set DNS")      \
	X(RENEW, "renew", 0, FLAG, renew, NULL,                                \
	    "only renew the hub's certificate; CA and keys are kept")          \
	X(UPDATE, "update", 0, FLAG, update, NULL,                             \
	    "apply a new invitation to this site, keep local changes")         \
	X(NEW_CA, "new-ca", 0, FLAG, new_ca, NULL,                             \
	    "with --update: trust another CA from now on")                     \
	X(GENERATE, "generate", 0, FLAG, generate, NULL,                       \
	    "generate a password and put it into the invitation")              \
	X(PASSWORD_FILE, "password-file", 0, STRING, password_file, "F",       \
	    "read the password from F (its only line)")                        \
	X(AUTH, "auth", 0, STRING, auth, "METHOD",                             \
	    "srp (the default), password, pam, certificate or tls-srp")        \
	X(AUTHS, "auth", 0, LIST, auths, "METHOD",                             \
	    "what sites may use (default all but tls-srp); may be repeated")   \
	X(ADDRESS, "address", 0, LIST, addresses, "A",                         \
	    "tun: its tunnel address (default: the lowest free one)")          \
	X(SUBNET, "subnet", 0, LIST, subnets, "CIDR",                          \
	    "tun: a network behind the site; may be repeated")                 \
	X(OUT, "out", 0, STRING, out, "FILE",                                  \
	    "where the invitation goes (default NAME.invite)")                 \
	X(FOREGROUND, "foreground", 0, FLAG, foreground, NULL,                 \
	    "stay in the foreground, with the log on standard error")          \
	X(WAIT_OR, "wait", 0, DEFAULT, wait, "[=SECONDS]",                     \
	    "return when the tunnel is up; fail after SECONDS (30)")           \
	X(WAIT, "wait", 0, DEFAULT, wait, "[=SECONDS]",                        \
	    "wait until it is up, at most SECONDS (30)")                       \
	X(SWEEP, "sweep", 0, FLAG, sweep, NULL,                                \
	    "only undo what a killed daemon left on this host")                \
	X(STATIC, "static", 0, FLAG, only_static, NULL,                        \
	    "check files only: they are for another host")                     \
	X(LOG_LEVEL, "log-level", 0, STRING, log_level, "LEVEL",               \
	    "the lowest severity to log: error, warn, info, debug")            \
	X(JSON, "json", 0, FLAG, json, NULL,                                   \
	    "print JSON, for programs")                                        \
	X(VERBOSE, "verbose", 'v', COUNT, verbose, NULL,                       \
	    "say more")
/* clang-format on */

/* Which options a command accepts; it always accepts --help. */
enum options_number {
#define OPTIONS_NUMBER(option, ...) OPTIONS_NUMBER_##option,
	OPTIONS(OPTIONS_NUMBER)
#undef OPTIONS_NUMBER
};
enum options_flag {
#define OPTIONS_FLAG(option, ...)                                              \
	OPTION_##option = 1 << OPTIONS_NUMBER_##option,
	OPTIONS(OPTIONS_FLAG)
#undef OPTIONS_FLAG
	/* For every command that reads a configuration. */
	OPTION_WHERE = OPTION_DIR | OPTION_CONFIG,
};

#define OPTIONS_MAX_LIST 64
#define OPTIONS_MAX_DIR	 512

/* The values of an option that may be repeated; borrowed from argv. */
struct options_list {
	const char *v[OPTIONS_MAX_LIST];
	unsigned    n;
};

/* Strings are borrowed from argv; NULL is "not given". */
struct options {
	char dir[OPTIONS_MAX_DIR]; /* from --dir or -c; default CONF_DIR */
	const char *file; /* its name there: from -c; default CONF_FILE */
	const char *where, *config; /* --dir and -c as they were given */
	const char *socket;
	bool	    json;
	unsigned    verbose;

	const char *name, *mode, *bridge;
	bool	    nat, generate, default_route, accept_default_route, renew;
	bool	    foreground, sweep, only_static, update, new_ca;
	bool	    no_default_route;
	const char *password_file, *auth, *out, *log_level, *wait;
	int	    seconds; /* from --wait; -1: not given */
	struct options_list networks, tunnel_networks, addresses, subnets;
	struct options_list auths, dns;

	char **args; /* the other arguments; borrowed */
	int    nargs;
};

struct options_spec {
	const char *command; /* "site add" */
	const char *synopsis; /* what follows it: "NAME [--dir D]" */
	const char *help; /* what it does, one line or more */
	unsigned    takes; /* OPTION_... */
	int	    min_args, max_args;
};

#define OPTIONS_GO_ON (-1)

/*
 * Turns "--dir D status" into "status --dir D": argv[1] is then the command, if
 * there is one after options that give the place.
 */
void options_command_first(int argc, char **argv);

/*
 * Parses argv (argv[0] is skipped). Returns OPTIONS_GO_ON, or the exit status:
 * 0 after --help on stdout, 2 after one line on stderr.
 */
int options_parse(struct options *options, const struct options_spec *spec,
    int argc, char **argv);

/* Prints "COMMAND: ...; see tombolo COMMAND --help" on stderr; returns 2. */
int options_wrong(const struct options_spec *spec, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

/* "DIR/tombolo.conf" or the path of -c; the caller frees it. */
char *options_config(const struct options *options);

/*
 * The configuration that the daemon must have, as named by
 * conf_socket_resolve(). A new string; NULL with --socket, which is used as
 * given.
 */
char *options_owner(const struct options *options);

/*
 * The local socket: from --socket or the configuration, even if that has errors
 * or is gone.  A new string; or NULL after one line on stderr, if the socket
 * belongs to another configuration.
 */
char *options_socket(const struct options *options);

/* Calls admin_call_or_say() on that socket. */
json_t *options_ask(const struct options *options, json_t *request);

/*
 * Loads `path`; errors go to stderr, one per line.  The caller owns the conf.
 */
struct conf *options_load(const char *path, enum conf_load how);
/* The same without messages. */
struct conf *options_try(const char *path, enum conf_load how);

/* Prints " -c FILE" for a suggested command; nothing by default. */
void options_put_where(const struct options *options);

#endif /* OPTIONS_H */
