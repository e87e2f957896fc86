/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf: the configuration, as plain data.
 *
 * It is read in steps: conf_parse.c parses (each error with file and line, all
 * of them at once); conf_check.c and conf_check_sites.c check what depends on
 * several keys. conf_print.c prints it so that parsing gives the same again.
 * conf_keys.c is the table with one row for each key that drives all of these.
 * A `struct conf` is complete with its defaults, and read-only once it is
 * checked.  It contains no secret: those are in the keeper's files.
 *
 * The monitor reads the files.  The other processes get the printed text over
 * their channel and parse that (conf_parse_text), so there is only one format.
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/auto.h"
#include "base/log.h"
#include "conf/conf_words.h"

#define CONF_NAME_MAX	 63	/* a site's name: [a-z0-9][a-z0-9._-]* */
#define CONF_MAX_SITES	 4096
#define CONF_MAX_ROUTES	 1024	/* routes that a site is sent; also in 0.1.0 */
#define CONF_MAX_LIST	 256	/* items of a list key, of one section */
#define CONF_MAX_DNS	 8
#define CONF_MAX_DOMAINS 16
#define CONF_DOMAIN_MAX	 253
#define CONF_NOTE_MAX	 1024 /* of an error: fits a log line when escaped */
#define CONF_MAX_WORKERS 16
#define CONF_MAX_SERVERS 8
#define CONF_MAX_NAMES	 16
#define CONF_MAX_LISTENS 4 /* addresses and ports of a server */
#define CONF_PORT	 55555
#define CONF_MAX_KEEPALIVE 3600 /* seconds; the protocol's bounds, too */
#define CONF_MAX_DEAD_PEER 7200
#define CONF_MIN_REKEY	   5
#define CONF_MAX_REKEY	   86400
#define CONF_MAX_REKEY_MIB 524288 /* half of what PROTOCOL 5.4 allows a key */
#define CONF_DIR	 "/etc/tombolo"	/* default of --dir */
#define CONF_FILE	 "tombolo.conf"	/* below it, default of -c */
#define CONF_SITES_DIR	 "sites.d"	/* below it, NAME.conf for each site */
#define CONF_KEEPER_DIR	 "keeper"	/* below it, 0700, the keeper's */

enum conf_role { CONF_SERVER, CONF_CLIENT };
enum conf_mode { CONF_TAP, CONF_TUN };
/* How a site proves who it is (PROTOCOL 4.3). */
enum conf_auth {
	CONF_AUTH_SRP,
	CONF_AUTH_PASSWORD,
	CONF_AUTH_PAM,
	CONF_AUTH_CERTIFICATE,
	CONF_AUTH_TLS_SRP,
	CONF_AUTHS
};
#define CONF_AUTH_BIT(auth) (1u << (auth))
/* Offloads of the kernel, at the device and at the UDP sockets. */
enum conf_offload {
	CONF_OFFLOAD_CSUM, /* device: partial checksums; the next four need it */
	CONF_OFFLOAD_TSO4, /* device: TCP in superframes */
	CONF_OFFLOAD_TSO6,
	CONF_OFFLOAD_USO4, /* device: UDP in superframes */
	CONF_OFFLOAD_USO6,
	CONF_OFFLOAD_GSO, /* sockets: cut what is sent (UDP_SEGMENT) */
	CONF_OFFLOAD_GRO, /* sockets: merge what is received (UDP_GRO) */
	CONF_OFFLOADS
};
#define CONF_OFFLOAD_BIT(offload) (1u << (offload))
/* What may carry frames (PROTOCOL 4.3). */
enum conf_transport {
	CONF_TRANSPORT_AUTO, /* UDP, or TCP while UDP does not get through */
	CONF_TRANSPORT_UDP,
	CONF_TRANSPORT_TCP,
	CONF_TRANSPORTS
};
enum conf_order { CONF_ORDER_GIVEN, CONF_ORDER_WEIGHT };
enum conf_proxy_kind { CONF_PROXY_NONE, CONF_PROXY_HTTP, CONF_PROXY_SOCKS5 };
enum conf_auto { CONF_NO, CONF_YES, CONF_AUTO };
/* What happens to traffic for the tunnel while it is down. */
enum conf_when_down { CONF_BLOCK, CONF_BYPASS };

/* The library that encrypts records. */
enum conf_aead { CONF_AEAD_AUTO, CONF_AEAD_GNUTLS };

struct conf_prefixes {
	struct prefix *v; /* owned */
	size_t	       n;
};

struct conf_names {
	char **v; /* owned, each of them too */
	size_t n;
};

/* [site NAME]: only this decides on the site's addresses and subnets. */
struct conf_site {
	char		     name[CONF_NAME_MAX + 1];
	enum conf_auth	     auth;
	bool		     disabled;
	bool		     default_route; /* tun: all its traffic */
	struct conf_prefixes addresses; /* tun: its tunnel addresses, hosts */
	struct conf_prefixes subnets;	/* tun: networks behind it */
	char		    *file; /* its file, for messages; owned */
	unsigned	     line;
	/* Its file has an error: these are the previous values; no login. */
	bool faulty;
	bool wrong; /* while it is read: these values have an error, too */
	bool clashes; /* the same: only because it overlaps another site */
};

/* A hub that a site may connect to. */
struct conf_server {
	char	*host; /* name or address; owned */
	uint16_t port;
	unsigned weight; /* 1..1000 */
	char	*name; /* verified in its certificate; owned, never NULL */
};

/* An address that a hub listens on, TCP and UDP. */
struct conf_listen {
	struct addr addr; /* family 0: every address, v4 and v6 */
	uint16_t    port; /* 0: the key `port` */
};

/* SO_MARK; only the bits of `mask` are set and compared. */
struct conf_mark {
	uint32_t value, mask;
};

struct conf_proxy {
	enum conf_proxy_kind kind;
	char		    *host; /* owned */
	uint16_t	     port;
};

struct conf {
	enum conf_role role;
	char	      *dir; /* the configuration's directory, absolute; owned */

	/* [server] */
	struct conf_names names; /* the certificate's: hosts, addresses; >= 1 */
	uint16_t port;	 /* TCP and UDP; default 55555 */
	struct conf_listen listens[CONF_MAX_LISTENS];
	unsigned nlistens; /* at least one */
	char	*certificate; /* path, relative to dir; default server.crt */
	char	*certificate_rsa; /* for tls-srp; default server-rsa.crt */
	unsigned auths; /* CONF_AUTH_BIT() of the methods that are allowed */
	char	*site_ca; /* the CA of sites' certificates; default ca.crt */
	char	*crl;	/* their revoked ones; default crl.pem, may be missing */
	unsigned resume_sec; /* of a token; 86400, 0: no tokens */
	char	*pam_service; /* default tombolo */
	unsigned max_handshakes;     /* unauthenticated connections; 128 */
	unsigned handshake_time_sec; /* from accept to welcome; 20 */
	unsigned keepalive_sec;	     /* 10 */
	unsigned dead_peer_sec;	     /* 30; > keepalive_sec */
	unsigned rekey_sec, rekey_mib; /* what one key may encrypt */

	/* [client] */
	struct conf_server servers[CONF_MAX_SERVERS];
	unsigned	nservers;
	char	       *server_name; /* of servers without one; owned; NULL: host */
	enum conf_order server_order;
	struct conf_proxy proxy; /* used to reach all of them */
	char		site[CONF_NAME_MAX + 1];
	enum conf_auth	auth; /* the only method that is used */
	char	       *ca; /* path, relative to dir; default ca.crt */
	char	       *site_certificate; /* key "certificate"; default client.crt */
	struct conf_prefixes subnets; /* requested; the hub decides */
	bool		accept_default_route; /* routes for all traffic */
	enum conf_when_down when_down; /* for traffic of such routes */
	struct conf_prefixes local_networks; /* these bypass the tunnel, too */
	struct conf_mark mark; /* of our sockets; see conf_mark() */
	enum conf_auto	accept_dns; /* auto: with accept_default_route */

	/* both */
	enum log_level log_level; /* the lowest severity to log; info */
	enum conf_transport transport; /* auto */
	char *socket;	/* local socket; default /run/tombolo/BASENAME(dir).sock */

	/* [interface] */
	enum conf_mode mode;
	char	       device[16]; /* default tap0-like name: see conf_check */
	char	       bridge[16]; /* tap: bridge to join; empty: none */
	bool	       create_bridge; /* tap: create it if it does not exist */
	unsigned       mtu; /* 0: tap, the bridge's or 1500; tun, 1400 */
	unsigned       path_mtu; /* largest outer IP packet to try; 1500 */
	unsigned       workers; /* 0: one per CPU, at most 16 */
	unsigned       no_offloads; /* a bit for each that is not used */
	enum conf_aead aead; /* auto */
	bool	       clamp_mss; /* clamp the MSS of TCP */
	struct conf_prefixes addresses; /* extra addresses for the device */
	struct conf_prefixes tunnel_networks; /* server, tun: 10.4.2.0/24 */
	struct conf_prefixes networks; /* server, tun: behind the server */
	struct conf_prefixes dns; /* server, tun: for sites; hosts */
	struct conf_names domains; /* server, tun: their search domains */
	bool	       nat;	/* server, tun: masquerade packets of sites */
	enum conf_auto forward; /* tun: IP forwarding; auto */

	/* [switch] */
	unsigned max_addresses;		 /* of the FDB; 65536 */
	unsigned max_addresses_per_site; /* 4096 */
	unsigned ageing_sec;		 /* 300 */
	bool	 loop_probe;		 /* yes */

	struct conf_site *sites; /* sorted by name; owned */
	size_t		  nsites;

	/*
	 * What in the files is not in force: "FILE:LINE: why"; and keys that
	 * need a restart, "mtu in [interface]".
	 */
	struct conf_names faults, waiting;
};

/* Receives errors, one call for each: "FILE:LINE: what, how to fix it". */
struct conf_errors {
	void (*say)(void *arg, const char *text); /* NULL: only counted */
	void *arg;
	unsigned n;
};

/*
 * Reads `path` and, for a hub, DIR/sites.d/[!.]*.conf beside it; parses and
 * checks.  Every error goes to `errors`.  Returns a new conf (conf_free), or
 * NULL if there was an error.
 */
enum conf_load {
	CONF_LOAD_STRICT,
	/* `path` alone, without sites */
	CONF_LOAD_MAIN,
	/* as conf_load_sites(), for a daemon that starts */
	CONF_LOAD_LIVE,
	/*
	 * Loads as much as possible in spite of errors, to manage sites while
	 * something else is wrong.  NULL only if out of memory.
	 */
	CONF_LOAD_ANY,
};
struct conf *conf_load(const char *path, enum conf_load how,
    struct conf_errors *errors);

/*
 * For a daemon: `text` of conf_print() for the main file, and sites.d of `dir`.
 * An error in a site's file affects only that site: it keeps its values of
 * `running` (NULL: there is none), is `faulty`, and the error is in `faults`.
 * But `disabled = yes` takes effect in any file.  Of two sites that overlap,
 * the one that was changed is faulty, or the later one by name.  NULL, after an
 * error, only if the text has an error, also about a site whose file has not
 * changed.
 */
struct conf *conf_load_sites(const char *text, size_t len, const char *path,
    const char *dir, const struct conf *running, struct conf_errors *errors);

/* Adds a copy, cut to CONF_NOTE_MAX; if out of memory, it is not added. */
void conf_names_add(struct conf_names *names, const char *text);
void conf_names_free(struct conf_names *names);
bool conf_names_has(const struct conf_names *names, const char *text);

/*
 * Parses and checks text of conf_print(); `name` is the file in errors, `dir`
 * becomes conf->dir.
 */
struct conf *conf_parse_text(const char *text, size_t len, const char *name,
    const char *dir, struct conf_errors *errors);

void conf_free(struct conf *conf);
/* Frees a variable at the end of its scope. */
#define CONF_AUTO_FREE AUTO(conf_auto_free) struct conf
static inline void
conf_auto_free(struct conf **conf)
{
	conf_free(*conf);
}

/* Prints everything, sites included, in a form that conf_parse_text() reads. */
void conf_print(FILE *out, const struct conf *conf);
/* One [site NAME] section, as `site add` writes it. */
void conf_print_site(FILE *out, const struct conf_site *site);
/* The same in a new string; the caller frees; NULL: out of memory. */
char *conf_site_text(const struct conf_site *site);

/*
 * Whether each site can be sent all networks of the others (CONF_MAX_ROUTES);
 * if not, `why` (CONF_WHY_SIZE bytes) says what to do.
 */
#define CONF_WHY_SIZE 256
bool conf_has_room(const struct conf *conf, char *why, size_t size);

/* Borrowed from conf; NULL: no site has that name. */
const struct conf_site *conf_find_site(const struct conf *conf,
    const char *name);

/* Whether `name` can be a site's: [a-z0-9][a-z0-9._-]*, at most 63 bytes. */
bool conf_is_site_name(const char *name);
/* Whether the file `name` in sites.d is read: [!.]*.conf. */
bool conf_is_site_file(const char *name);

/*
 * Whether `name` is a domain: labels of letters, digits, "-" and "_", without
 * "-" at either end; nothing that has a meaning in a shell or in resolv.conf.
 */
bool conf_is_domain(const char *name);

/* Whether this site uses the DNS servers that its hub assigns. */
bool conf_accepts_dns(const struct conf *conf);

/*
 * SO_MARK of this daemon's sockets; 0: none, if there are no rules of ours,
 * since the mark could match rules of other programs.
 */
uint32_t conf_mark(const struct conf *conf);

/* 1..16, from the configuration or the CPUs online. */
unsigned conf_workers(const struct conf *conf);

/* Its own port, or the configuration's. */
uint16_t conf_listen_port(const struct conf *conf,
    const struct conf_listen *listen);

static inline const char *
conf_auth_name(enum conf_auth auth)
{
	return conf_words_auth.names[auth];
}

static inline const char *
conf_mode_name(enum conf_mode mode)
{
	return conf_words_mode.names[mode];
}

/*
 * Whether this build has the method; if not, `*why` (static) says what is
 * missing.
 */
bool conf_auth_is_built(enum conf_auth auth, const char **why);

/*
 * The first address of each tunnel network is the hub's own (10.4.2.1/24 of
 * 10.4.2.0/24); sites get the following ones.
 */
struct prefix conf_server_address(const struct prefix *tunnel_network);

#endif /* CONF_H */
