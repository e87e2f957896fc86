/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request: all requests between our processes, in one list.
 *
 * There are three conversations, each on a channel of its own (proc/chan.h).
 * Both ends are the same program, so a payload is one of the structs below as
 * it is in memory; some are followed by bytes, or repeated, as the list says.
 * The other end may still have been taken over.  Therefore a receiver copies
 * the struct by its exact size (chan_get()) and checks every text, address,
 * length, enum and flag before it uses them.  Flags are numbers, because a
 * `bool` must not hold a 2.  A sender zeroes a struct before it fills it, and
 * no struct has padding, so no other memory is sent.
 *
 * monitor <-> engine
 *
 *   The monitor opens with these, in this order; the engine starts at START
 *   (proc/startup.h has the table):
 *
 *   CONF      text of conf_print(), in pieces        request_piece, bytes
 *   CERTS     PEM text of a kind that this role has, in pieces; or why its file
 *             cannot be read                         request_piece, bytes
 *   DEVICE    request_device                         fds: W queues
 *   LISTEN    (server)                               fds: TCP listeners, up to 4
 *   UDP       (server) one for each of them          fds: W sockets
 *   ADMIN     (optional)                             fd: unix listener
 *   KEEPER    again whenever a keeper was restarted  fds: auth, sign
 *   START     request_start                          fd: memory of
 *             REQUEST_TOTALS_SIZE for what sites have counted, the same for
 *             each engine; zeros, or what an earlier daemon saved
 *
 *   Later CONF (all pieces; the engine applies it at the last one), CERTS
 *   and KEEPER may come again at any time, and
 *
 *   CREDENTIALS (server) request_site, several: sites whose credential is
 *             another one now, or gone: end their sessions
 *   NETCHANGE (client) interfaces, addresses or routes of this host changed
 *   EGRESS    (client, tun) request_egress: where what is not local goes
 *   HOST      request_host: what on this host is not as configured
 *   PING      answer it with PONG: whoever does not, hangs
 *
 *   The engine asks; each answer repeats type and id, and is a request_result
 *   unless something else is said:
 *
 *   READY     the engine is up                                no answer
 *   RESOLVE   (client) request_server: look its name up anew  -> request_list
 *   CONNECT   (client) request_server, its index in that list
 *             -> fd: TCP socket, connecting
 *   LANES     (client) the same, and how many
 *             -> fds: so many UDP sockets, each a port of its own
 *   NETWORK   (client, tun) request_network: what the server assigned, as a
 *             whole: replaces what was there before
 *   DNS       (client, tun) request_nameservers: the same of DNS
 *   DOWN      (client, tun) the session has ended             no answer
 *   PAM       (server) request_pam
 *             -> fd: a conversation with a helper (proc/pam_chat.h)
 *   IN_FORCE  request_in_force: that text was understood and is used; until
 *             then the monitor keeps the one before it        no answer
 *   PONG      the answer to PING                              no answer
 *   RELOAD    request_reload (an administrator asked on the local socket): what
 *             is new, and what of it is not in force, comes before the answer;
 *             an error: nothing was taken
 *
 * keeper <-> engine, two channels so that no signature waits for a hash.
 * `known` is 0 when there is no such site, it is disabled, or of another
 * method: the keeper does the same work and says no.  `binding` is the
 * tls-exporter of RFC 9266.  `lifetime` 0: no token.
 *
 *   VERIFY      request_verify      -> request_verdict
 *   SRP_START   request_known       -> request_srp_challenge
 *   SRP_FINISH  request_srp_finish  -> request_verdict, with M2
 *   RESUME      request_resume      -> request_verdict, with a proof, no token
 *   VOUCHED     request_vouched     -> request_verdict
 *   PSK         request_binding     -> request_psk; site "": our own, as a site
 *   SRP_ANSWER  (client) request_srp_question -> request_srp_answer
 *   SECRET      (client) the password for the server that was verified
 *               -> request_secret
 *   PROXY_LOGIN (client) USER:PASSWORD for the proxy; ENOENT: none is needed
 *               -> request_secret
 *
 *   and on the second channel, waited for:
 *
 *   PAIR        request_pair, PEM bytes: look at the key's file, prove that it
 *               is this chain's (pki/keypair.h), and keep both
 *               -> request_pair_result; with error 0 it is the pair that was
 *               kept which is proven, and `why` what is wrong with the file
 *   PAIR        request_pair: which chain is kept
 *               -> request_pair_result, PEM bytes
 *   SIGN        request_sign        -> request_signature
 *   TLS_SRP     request_known: what GnuTLS needs for tls-srp, limited
 *               -> request_tls_srp
 *
 * resolver <-> monitor
 *
 *   LOOKUP      request_lookup      -> request_list
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"

enum request {
	REQUEST_CONF = 1,
	REQUEST_CERTS,
	REQUEST_DEVICE,
	REQUEST_LISTEN,
	REQUEST_UDP,
	REQUEST_ADMIN,
	REQUEST_KEEPER,
	REQUEST_START,
	REQUEST_CREDENTIALS,
	REQUEST_NETCHANGE,
	REQUEST_PING,
	REQUEST_EGRESS,
	REQUEST_HOST,

	REQUEST_READY = 32,
	REQUEST_RESOLVE,
	REQUEST_CONNECT,
	REQUEST_LANES,
	REQUEST_NETWORK,
	REQUEST_PAM,
	REQUEST_RELOAD,
	REQUEST_PONG,
	REQUEST_DNS,
	REQUEST_DOWN,
	REQUEST_IN_FORCE,

	REQUEST_SIGN = 64,
	REQUEST_PAIR,
	REQUEST_VERIFY,
	REQUEST_SECRET,
	REQUEST_SRP_START,
	REQUEST_SRP_FINISH,
	REQUEST_RESUME,
	REQUEST_VOUCHED,
	REQUEST_SRP_ANSWER,
	REQUEST_TLS_SRP,
	REQUEST_PSK,
	REQUEST_PROXY_LOGIN,

	REQUEST_LOOKUP = 96,
};

/* The kinds of CERTS. */
enum request_certs {
	REQUEST_CERTS_CHAIN,	    /* server: its certificate */
	REQUEST_CERTS_CHAIN_RSA, /* server: the one for tls-srp */
	REQUEST_CERTS_SITE_CA,   /* server: the CA of sites' certificates */
	REQUEST_CERTS_CRL,	    /* server: revoked ones; may be empty */
	REQUEST_CERTS_CA,	    /* client: the CA of the hub */
	REQUEST_CERTS_SITE,	    /* client: its own certificate */
	REQUEST_CERTS_KINDS
};

/* Which private key. */
enum request_key {
	REQUEST_KEY_MAIN, /* server.key; client.key */
	REQUEST_KEY_RSA,  /* server-rsa.key, for tls-srp */
	REQUEST_KEYS
};

/* Where packets to other than local networks go. */
enum request_way {
	REQUEST_WAY_BYPASS, /* they bypass the tunnel */
	REQUEST_WAY_TUNNEL,
	REQUEST_WAY_BLOCKED,
	REQUEST_WAYS
};

/* Whether the DNS servers behind the tunnel are set. */
enum request_dns {
	REQUEST_DNS_NONE,	/* none assigned, or no longer */
	REQUEST_DNS_RESOLVECTL, /* set by this */
	REQUEST_DNS_RESOLVCONF,
	REQUEST_DNS_NO_TOOL, /* this host has neither program */
	REQUEST_DNS_FAILED,
	REQUEST_DNSES
};

#define REQUEST_PROXY 0xff /* as `which`: the proxy, not a server */

#define REQUEST_SITE_SIZE     64 /* a site's name, with its NUL */
#define REQUEST_HOST_SIZE     256
#define REQUEST_FRONT_SIZE    64
#define REQUEST_MAX_TROUBLES  16
#define REQUEST_SETTING_SIZE  128 /* crypt(3) yescrypt: cost and salt */
#define REQUEST_PSK_ID_LEN    8
#define REQUEST_MAX_BLOB      1024
#define REQUEST_MAX_TOKEN     256
#define REQUEST_MAX_HASH      128  /* of what is signed: a DigestInfo at most */
#define REQUEST_MAX_SIGNATURE 2048 /* RSA of 16384 bits */
#define REQUEST_HASH_LEN      32   /* SHA-256; a proof, a binding */
#define REQUEST_VOUCHER_LEN   40   /* proc/voucher.h */
#define REQUEST_WHY_SIZE      512 /* a reason for the log, with its NUL */
#define REQUEST_TOTALS_SIZE   (2 * 1024 * 1024)
#define REQUEST_MAX_CERTS  (4 * 1024 * 1024) /* bytes of one kind */
#define REQUEST_MAX_QUEUES    16 /* workers */
#define REQUEST_MAX_LISTENERS 4
#define REQUEST_MAX_ENDPOINTS 16
#define REQUEST_MAX_PASSWORD  511
#define REQUEST_MAX_ADDRESSES 16
#define REQUEST_MAX_ROUTES    1024
#define REQUEST_MAX_DNS	      8
#define REQUEST_MAX_DOMAINS   16
#define REQUEST_DOMAIN_SIZE   254

/*
 * How often credentials for tls-srp are given: a burst, then a rate a second.
 */
#define REQUEST_TLS_SRP_BURST	64
#define REQUEST_TLS_SRP_PER_SEC 8

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

/* ---- monitor, engine ---- */

struct request_piece {
	enum request_certs kind; /* CERTS only, and the next two */
	uint32_t number;	    /* the monitor's, of this text */
	uint32_t is_trouble; /* the bytes are the reason why there is no text */
	uint32_t is_last;
};

struct request_device {
	char	 name[16];
	uint32_t ifindex, mtu;
	uint32_t offloads; /* bits of enum conf_offload */
	uint8_t	 mac[6], unused[2];
};

struct request_start {
	char	 version[32];
	uint64_t restarts;  /* engines that died before this one */
};

struct request_site {
	char name[REQUEST_SITE_SIZE];
};

struct request_egress {
	uint64_t	 dropped; /* packets, by the block */
	enum request_way v4, v6;
	enum request_dns dns;
	char	 front[REQUEST_FRONT_SIZE]; /* a foreign rule that precedes ours */
	uint32_t unused;
};

struct request_host {
	uint64_t n;
	struct request_trouble {
		int64_t since_us; /* struct mono's */
		char	what[72];
		char	why[176];
	} list[REQUEST_MAX_TROUBLES];
};

struct request_server {
	uint32_t which; /* server of the configuration, or REQUEST_PROXY */
	uint32_t index, count;
};

struct request_list {
	uint32_t    error; /* of LOOKUP */
	uint32_t    port;  /* of all of them; not used by LOOKUP */
	uint32_t    n;	   /* 0: no address is known */
	struct addr list[REQUEST_MAX_ENDPOINTS];
};

struct request_network {
	uint32_t      naddresses, nroutes;
	struct prefix addresses[REQUEST_MAX_ADDRESSES];
	struct prefix routes[REQUEST_MAX_ROUTES];
};

struct request_nameservers {
	uint32_t    nservers, ndomains;
	struct addr servers[REQUEST_MAX_DNS];
	char	    domains[REQUEST_MAX_DOMAINS][REQUEST_DOMAIN_SIZE];
};

struct request_pam {
	char site[REQUEST_SITE_SIZE];
	char address[48]; /* for the modules' logs */
};

struct request_in_force {
	enum request_certs kind;
	uint32_t	      number;
};

struct request_reload {
	uint32_t all; /* 1: the configuration, 0: only sites */
};

struct request_result {
	uint32_t error; /* errno, or 0 */
	char	 why[256]; /* why it was refused, for the log */
};

struct request_lookup {
	char host[REQUEST_HOST_SIZE];
};

/* ---- engine, keeper ---- */

struct request_known {
	char	 site[REQUEST_SITE_SIZE];
	uint32_t known;
};

struct request_verify {
	char	 site[REQUEST_SITE_SIZE];
	uint32_t known, lifetime;
	uint32_t password_len;
	char	 password[REQUEST_MAX_PASSWORD + 1];
};

struct request_srp_finish {
	uint32_t lifetime, state_len, public_a_len;
	uint8_t	 binding[REQUEST_HASH_LEN], m1[REQUEST_HASH_LEN];
	uint8_t	 state[REQUEST_MAX_BLOB];
	uint8_t	 public_a[REQUEST_MAX_BLOB];
};

struct request_resume {
	char	 site[REQUEST_SITE_SIZE];
	uint32_t method; /* enum conf_auth, of the login */
	uint32_t token_len;
	uint8_t	 binding[REQUEST_HASH_LEN];
	uint8_t	 hello[REQUEST_HASH_LEN]; /* SHA-256 of it */
	uint8_t	 proof[REQUEST_HASH_LEN];
	uint8_t	 token[REQUEST_MAX_TOKEN];
};

struct request_vouched {
	char	 site[REQUEST_SITE_SIZE];
	uint32_t lifetime;
	uint8_t	 voucher[REQUEST_VOUCHER_LEN];
};

struct request_srp_question {
	char	 site[REQUEST_SITE_SIZE];
	uint32_t group, public_b_len;
	uint8_t	 binding[REQUEST_HASH_LEN];
	char	 setting[REQUEST_SETTING_SIZE];
	uint8_t	 public_b[REQUEST_MAX_BLOB];
};

/* A token with which a site can come back. */
struct request_grant {
	uint32_t token_len; /* 0: no token */
	uint8_t	 token[REQUEST_MAX_TOKEN];
	uint8_t	 secret[REQUEST_HASH_LEN];
};

/* All zeros if the answer is no. */
struct request_verdict {
	uint32_t verdict;   /* 1 yes, 0 no; keeper_ask.h has one more */
	uint32_t has_proof; /* SRP_FINISH: M2; RESUME: that it is this hub */
	uint8_t	 proof[REQUEST_HASH_LEN];
	struct request_grant grant;
};

struct request_binding {
	char	site[REQUEST_SITE_SIZE];
	uint8_t binding[REQUEST_HASH_LEN];
};

/* The key that one connection gets from a pre-shared key (keeper/psk.h). */
struct request_psk {
	uint32_t error; /* ENOENT: there is none */
	uint32_t generation; /* not 0 */
	uint8_t	 id[REQUEST_PSK_ID_LEN];
	uint8_t	 key[REQUEST_HASH_LEN];
};

/* SRP: the first message of the server. */
struct request_srp_challenge {
	uint32_t error;
	uint32_t group; /* bits of the RFC 5054 group */
	uint32_t public_b_len, state_len;
	char	 setting[REQUEST_SETTING_SIZE];
	uint8_t	 public_b[REQUEST_MAX_BLOB];
	/* Encrypted state for the second step, so the keeper stores nothing. */
	uint8_t state[REQUEST_MAX_BLOB];
};

/* SRP: a site's answer, and the proof that the server must send then. */
struct request_srp_answer {
	uint32_t error;
	uint32_t public_a_len;
	uint8_t	 m1[REQUEST_HASH_LEN], m2[REQUEST_HASH_LEN];
	uint8_t	 public_a[REQUEST_MAX_BLOB];
};

struct request_secret {
	uint32_t error;
	uint32_t len;
	char	 text[REQUEST_MAX_PASSWORD + 1];
};

struct request_pair {
	enum request_key which;
};

struct request_pair_result {
	uint32_t error;
	char	 why[REQUEST_WHY_SIZE];
};

struct request_sign {
	enum request_key which;
	uint32_t algorithm; /* gnutls_sign_algorithm_t */
	uint32_t hash_len;
	uint8_t	 id[REQUEST_HASH_LEN]; /* of the chain (pki/keypair.h) */
	uint8_t	 hash[REQUEST_MAX_HASH];
};

struct request_signature {
	uint32_t error;
	uint32_t len;
	uint8_t	 signature[REQUEST_MAX_SIGNATURE];
};

/* For GnuTLS: one user of tls-srp. */
struct request_tls_srp {
	uint32_t error;
	uint32_t group; /* bits of the RFC 5054 group */
	uint32_t salt_len, verifier_len;
	uint8_t	 salt[64];
	uint8_t	 verifier[REQUEST_MAX_BLOB];
};

#pragma GCC diagnostic pop

/* For a receiver: whether this array contains a NUL. */
#define request_text_is_good(text) (memchr(text, '\0', sizeof(text)) != NULL)
/* Whether it is IPv4 or IPv6, with zeros behind the four bytes of IPv4. */
bool request_addr_is_good(const struct addr *addr);
/* Whether `n` is at most `max`, and all of them are good. */
bool request_addrs_are_good(const struct addr *list, uint32_t n, uint32_t max);
bool request_prefixes_are_good(const struct prefix *list, uint32_t n,
    uint32_t max);

#endif /* REQUEST_H */
