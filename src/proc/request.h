/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request: every request that passes between our processes, in one list.
 *
 * Three conversations, each on a channel of its own (proc/chan.h).  Payloads
 * are base/wire.h fields in the order given; "string" is wire_put_string(),
 * "addr" is u8 family (4 or 6) and 4 or 16 bytes, "prefix" is an addr and a u8
 * length, "endpoint" is an addr and a u16 port.
 *
 * monitor <-> engine
 *
 *   The monitor opens with these, in this order; the engine starts at START:
 *
 *   CONF      text of conf_print(), in pieces                  u8 last, bytes
 *   MATERIAL  u8 enum request_material, u8 flags (1: its last piece; 2: not the
 *             text, but why the file cannot be read), u32 number, PEM text   bytes
 *             (one each of the kinds that this role has)
 *   DEVICE    string name, u32 ifindex, u32 mtu, 6 bytes MAC, u32
 *             offloads (bits of enum conf_offload)          fds: W queues
 *   LISTEN    (server)                           fds: TCP listeners, up to 4
 *   UDP       (server) one for each of them                   fds: W sockets
 *   ADMIN     (optional)                                      fd: unix listener
 *   KEEPER    again whenever a keeper was restarted           fds: auth, sign
 *   START     string version, u32 how many engines died before this one, u64
 *             a time that it is not before, seconds since 1970
 *             fd: memory of REQUEST_TOTALS_SIZE for what sites have counted,
 *             the same for each engine; zeros at first
 *
 *   Later CONF (all pieces; the engine applies it at the last one), MATERIAL
 *   and KEEPER may come again at any time, and
 *
 *   CREDENTIALS (server) strings: sites whose credential is another one now,
 *             or gone: end their sessions
 *   NETCHANGE (client) interfaces, addresses or routes of this host changed
 *
 *   EGRESS    (client, tun) where what is not local goes, for status: u8 enum
 *             request_way of IPv4, of IPv6, u8 enum request_dns, u64
 *             packets that were blocked, string a rule in front of ours
 *
 *   PING      answer it with PONG: whoever does not, hangs
 *
 *   The engine asks; each answer repeats type and id:
 *
 *   READY     the engine is up                                no answer
 *   RESOLVE   (client) u8 which server of the configuration, or
 *             REQUEST_PROXY: look its name up anew
 *             -> u8 n, n endpoints (at most 16; 0: no address known)
 *   CONNECT   (client) u8 which, u8 index into that list
 *             -> u32 errno, fd: TCP socket, connecting
 *   LANES     (client) u8 which server, u8 index, u8 count 1..16
 *             -> u32 errno, fds: count UDP sockets, each a port of its own
 *   NETWORK   (client, tun) what the server assigned, as a whole: replaces
 *             what was there before
 *             u8 n, n prefixes (addresses); u16 n, n prefixes (routes)
 *             -> u32 errno, string (why it was refused, for the log)
 *   DNS       (client, tun) the DNS servers that it tells, as a whole
 *             u8 n, n addrs; u8 n, n strings (domains)
 *             -> u32 errno, string (as above)
 *   DOWN      (client, tun) the session has ended             no answer
 *   PAM       (server) string site, string address (for the modules' logs)
 *             -> u32 errno, fd: a conversation with a helper (proc/pam_chat.h)
 *   VERIFIED  (client) the certificate of the server is valid by this host's
 *             clock, just now                                  no answer
 *   IN_FORCE  u8 enum request_material, u32 number: that text was understood
 *             and is used; until then the monitor keeps the one before it
 *   PONG      the answer to PING                              no answer
 *   STOP      (an administrator asked on the local socket)    no answer
 *   RELOAD    the same: u8 read 1 the configuration, 0 the sites again; what is
 *             new, and what of it is not in force, comes before the answer
 *             -> u8 1 taken, 0 not at all
 *
 * keeper <-> engine, two channels so that no signature waits for a hash.
 * "blob" is u16 length and bytes; "known" is 0 when there is no such site, it
 * is disabled, or of another method: the keeper does the same work and says no.
 * "binding" is 32 bytes, the tls-exporter of RFC 9266.  A "grant" is a blob (the
 * token, empty when `lifetime` seconds is 0) and the 32 bytes of its secret.
 *
 *   VERIFY    string site, u8 known, u32 lifetime, bytes password
 *             -> u8 1 yes 0 no, grant when yes
 *   SRP_START string site, u8 known
 *             -> u32 errno, u16 group, string setting, blob B, blob state
 *             (state is sealed: the keeper remembers nothing between the two)
 *   SRP_FINISH blob state, binding, u32 lifetime, blob A, 32 bytes M1
 *             -> u8 1 yes 0 no, when yes: 32 bytes M2, grant
 *   RESUME    string site, u8 enum conf_auth, binding, 32 bytes SHA-256 of the
 *             hello, blob token, 32 bytes proof
 *             -> u8 1 yes 0 no, when yes: 32 bytes answer
 *   VOUCHED   string site, voucher (proc/voucher.h), u32 lifetime
 *             -> u8 1 yes 0 no, grant when yes
 *   SRP_ANSWER (client) string site, u16 group, string setting, blob B,
 *             binding -> u32 errno, blob A, 32 bytes M1, 32 bytes M2 to expect
 *   SECRET    (client) the password for the server that was verified
 *             -> u32 errno, bytes
 *   PROXY_LOGIN (client) USER:PASSWORD for the proxy; ENOENT: none is needed
 *             -> u32 errno, bytes
 *
 *   and on the second channel, waited for:
 *
 *   PAIR      u8 enum request_key, bytes PEM: look at the key's file, prove that
 *             it is this chain's (pki/keypair.h), and keep both
 *             -> u32 errno, string why: what is wrong with the file; with errno 0
 *             it is the pair that was kept which is proven
 *   PAIR      u8 enum request_key: which chain is kept
 *             -> u32 errno, string why, bytes PEM
 *   SIGN      u8 enum request_key, 32 bytes of whose chain (the id of
 *             pki/keypair.h), u32 gnutls_sign_algorithm_t, bytes (a hash)
 *             -> u32 errno, bytes signature
 *   TLS_SRP   string site, u8 known: what GnuTLS needs for tls-srp, limited
 *             -> u32 errno, u16 group, blob salt, blob verifier
 *
 * resolver <-> monitor
 *
 *   LOOKUP    string host, u16 port -> u32 errno, u8 n, n endpoints
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "base/addr.h"
#include "base/wire.h"

enum request {
	REQUEST_CONF = 1,
	REQUEST_MATERIAL,
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

	REQUEST_READY = 32,
	REQUEST_RESOLVE,
	REQUEST_CONNECT,
	REQUEST_LANES,
	REQUEST_NETWORK,
	REQUEST_STOP,
	REQUEST_PAM,
	REQUEST_RELOAD,
	REQUEST_PONG,
	REQUEST_VERIFIED,
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
	REQUEST_PROXY_LOGIN,

	REQUEST_LOOKUP = 96,
};

/* What a MATERIAL is. */
enum request_material {
	REQUEST_MATERIAL_CHAIN,	    /* server: its certificate */
	REQUEST_MATERIAL_CHAIN_RSA, /* server: the one for tls-srp */
	REQUEST_MATERIAL_SITE_CA,   /* server: who signs sites' certificates */
	REQUEST_MATERIAL_CRL,	    /* server: sites' revoked ones; may be empty */
	REQUEST_MATERIAL_CA,	    /* client: the server's */
	REQUEST_MATERIAL_SITE,	    /* client: its own certificate */
	REQUEST_MATERIALS
};

/* Which private key. */
enum request_key {
	REQUEST_KEY_MAIN, /* server.key; client.key */
	REQUEST_KEY_RSA,  /* server-rsa.key, for tls-srp */
	REQUEST_KEYS
};

/* Where packets that are for no local network go. */
enum request_way {
	REQUEST_WAY_BYPASS, /* past the tunnel */
	REQUEST_WAY_TUNNEL,
	REQUEST_WAY_BLOCKED,
	REQUEST_WAYS
};

/* What became of the DNS servers behind the tunnel. */
enum request_dns {
	REQUEST_DNS_NONE,	/* not told, or not any more */
	REQUEST_DNS_RESOLVECTL, /* set by this */
	REQUEST_DNS_RESOLVCONF,
	REQUEST_DNS_NO_TOOL, /* this host has neither */
	REQUEST_DNS_FAILED,
	REQUEST_DNSES
};

#define REQUEST_FRONT_SIZE 64

struct request_egress {
	enum request_way v4, v6;
	enum request_dns dns;
	uint64_t	 dropped; /* packets, by the block */
	char front[REQUEST_FRONT_SIZE]; /* a rule in front of ours, or "" */
};

#define REQUEST_PROXY 0xff /* which: not a server, but the proxy before them */

#define REQUEST_MAX_BLOB      1024
#define REQUEST_WHY_SIZE      512 /* a reason for the log, with its NUL */
#define REQUEST_TOTALS_SIZE   (2 * 1024 * 1024)
#define REQUEST_MAX_MATERIAL  (4 * 1024 * 1024) /* bytes of one kind */
#define REQUEST_MAX_ENDPOINTS 16
#define REQUEST_MAX_PASSWORD  511
#define REQUEST_MAX_ADDRESSES 16
#define REQUEST_MAX_ROUTES    1024

void request_put_addr(struct wire_writer *w, const struct addr *addr);
void request_get_addr(struct wire_reader *r, struct addr *addr);
void request_put_prefix(struct wire_writer *w, const struct prefix *prefix);
/* Fails the reader when the length is more than the family has. */
void request_get_prefix(struct wire_reader *r, struct prefix *prefix);
void request_put_endpoint(struct wire_writer *w, const struct endpoint *ep);
void request_get_endpoint(struct wire_reader *r, struct endpoint *ep);
void request_put_blob(struct wire_writer *w, const void *data, size_t len);
/* Its length; 0, and the reader fails, when it does not fit. */
size_t request_get_blob(struct wire_reader *r, void *dst, size_t size);
/* In place, or NULL; borrowed from the reader's data. */
const uint8_t *request_view_blob(struct wire_reader *r, size_t *len);

#endif /* REQUEST_H */
