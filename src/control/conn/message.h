/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: what the two ends say on the control channel (PROTOCOL 4).
 *
 * On the wire: one byte type, three bytes length, payload.  Type 1 is one JSON
 * object, decoded and checked into a struct; unknown members are ignored.
 * Lists and strings have a maximum length.  The table in message.c says which
 * member belongs to which message.
 *
 * Pure: bytes to struct and back.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "datapath/lane/lane_keys.h"

#define MESSAGE_HEADER_LEN   4
#define MESSAGE_TYPE_JSON    1
#define MESSAGE_TYPE_FRAMES  2 /* PROTOCOL 4.1: when UDP is blocked */
#define MESSAGE_MAX_UNAUTH   8192
#define MESSAGE_MAX	     65536
#define MESSAGE_MAX_FRAMES   16380 /* type 2: one TLS record */
#define MESSAGE_PROTOCOL_MIN 1
#define MESSAGE_PROTOCOL_MAX 1
#define MESSAGE_MAX_ADDRESSES 16
#define MESSAGE_MAX_ROUTES    CONF_MAX_ROUTES
#define MESSAGE_MAX_SUBNETS   32 /* a hello has to fit MESSAGE_MAX_UNAUTH */
#define MESSAGE_MAX_STATIONS  1024
#define MESSAGE_MAX_ROUNDS    8
#define MESSAGE_MAX_CREDENTIAL 512
#define MESSAGE_MAX_TOKEN     256
#define MESSAGE_PROOF_LEN     32
#define MESSAGE_PSK_ID_LEN    8
#define MESSAGE_SETTING_SIZE  128
#define MESSAGE_TEXT_SIZE     256

enum message_type {
	MESSAGE_HELLO,
	MESSAGE_CHALLENGE,
	MESSAGE_RESPONSE,
	MESSAGE_WELCOME,
	MESSAGE_REFUSED,
	MESSAGE_UPDATE,
	MESSAGE_REKEY,
	MESSAGE_REKEY_WANTED,
	MESSAGE_PING,
	MESSAGE_PONG,
	MESSAGE_BYE,
	MESSAGE_MTU,
	MESSAGE_ANNOUNCE,
	MESSAGE_DRAIN,
	MESSAGE_TYPES
};

/*
 * Features that both ends must support before they are used (PROTOCOL 4.11), a
 * bit each.  Those that this version does not support have their final names
 * and formats.
 */
enum message_feature {
	MESSAGE_CAN_TAG = 1 << 0,	 /* a FRAME's VLAN tag */
	MESSAGE_CAN_TRAIN = 1 << 1,	 /* segments that share one header */
	MESSAGE_CAN_ANNOUNCE = 1 << 2,	 /* addresses behind a site */
	MESSAGE_CAN_MTU = 1 << 3,	 /* MTU changes during a session */
	MESSAGE_CAN_HUB = 1 << 4,	 /* which of several hubs it is */
	MESSAGE_CAN_PSK = 1 << 5,	 /* the lanes use a pre-shared key */
	MESSAGE_CAN_RATE = 1 << 6,	 /* the site shapes what it sends */
	MESSAGE_CAN_ECN = 1 << 7,	 /* ECN marks of datagrams are used */
	MESSAGE_CAN_DRAIN = 1 << 8,	 /* to another hub */
	MESSAGE_CAN_KEEP_LOCAL = 1 << 9, /* what stays in the site's LAN */
};

/* Those that this version supports; MESSAGE_CAN_PSK depends on the site. */
static inline unsigned
message_offers(enum conf_mode mode)
{
	return MESSAGE_CAN_MTU | (mode == CONF_TAP ? MESSAGE_CAN_TAG : 0u);
}

struct message {
	enum message_type type;

	/*
	 * hello: lowest, highest (default: the same); welcome: the one in use
	 */
	unsigned protocol, protocol_max;
	/* hello: those of the site; welcome: those of both ends */
	unsigned features;

	/* hello */
	char	       version[32];
	enum conf_mode mode;
	char	       site[CONF_NAME_MAX + 1];
	char	       method[32];
	unsigned       workers;
	/* hello, welcome: what may carry frames; the default is udp */
	enum conf_transport transport;
	/* hello, welcome, rekey */
	uint8_t share[LANE_KEYS_SHARE];
	/* hello, challenge (SRP's B), response; bytes, not text */
	bool	has_credential;
	uint8_t credential[MESSAGE_MAX_CREDENTIAL + 1];
	size_t	credential_len;
	/* hello: which pre-shared key the site has; generation 0: none */
	uint8_t	 psk_id[MESSAGE_PSK_ID_LEN];
	unsigned psk_generation;
	/* response, welcome: M1 and M2 of SRP, or of a resumed login */
	bool	has_proof;
	uint8_t proof[MESSAGE_PROOF_LEN];
	/* hello, welcome; 0 bytes: none */
	uint8_t token[MESSAGE_MAX_TOKEN];
	size_t	token_len;
	uint8_t secret[32]; /* welcome: the token's */
	/* challenge, refused, bye: for people */
	char text[MESSAGE_TEXT_SIZE];
	bool echo; /* challenge: the answer may be shown while it is typed */
	/* challenge, SRP only: bits of the group (0: none), crypt(3) setting */
	unsigned group;
	char	 setting[MESSAGE_SETTING_SIZE];
	/* refused */
	unsigned retry_after_sec;
	/* hello: the session to continue, or 0; welcome: the site's session */
	unsigned session;
	/* welcome */
	unsigned lanes; /* 0 with transport tcp */
	unsigned keepalive_sec, dead_peer_sec; /* also update; default: 0 */
	unsigned mtu; /* sender's device; also hello and mtu; 0: unknown */
	uint64_t hub_id; /* 0: unknown, as are the next two */
	unsigned hub_rank, generation; /* of its list of sites */
	/*
	 * welcome, update: rate limit (0: none); what stays in the site's LAN
	 */
	unsigned rate_kbit, keep_local;
	unsigned rekey_sec, rekey_mib; /* limits of one key */
	/* rekey; an answer also has the share that it answers */
	unsigned phase;
	bool	 has_answers;
	uint8_t	 answers[LANE_KEYS_SHARE];
	/* welcome, update (addresses of this site; routes to it); owned */
	struct prefix *addresses, *routes;
	size_t	       naddresses, nroutes;
	/* the same: DNS servers, as hosts, and domains; owned */
	struct prefix *dns;
	char	     **domains;
	size_t	       ndns, ndomains;
	/* hello: requested; owned */
	struct prefix *subnets;
	size_t	       nsubnets;
	/* announce; owned: MAC address 48 bits, VLAN 16 (PROTOCOL 4.11) */
	uint64_t      *stations;
	struct prefix *networks;
	size_t	       nstations, nnetworks;
	/* drain: to which other hub of its configuration, "": any */
	unsigned within_sec;
	char	 server[CONF_DOMAIN_MAX + 1];
	/* ping, pong */
	uint64_t id;
};

/*
 * Returns the payload of a type 1 frame, to be freed with secret_free(p, len +
 * 1), or NULL when out of memory.
 */
char *message_encode(const struct message *msg, size_t *len);

/*
 * Returns 0; -EBADMSG with the reason in `why` (borrowed, static); or -ENOENT
 * if the "type" is unknown.  On success the caller owns the contents:
 * message_fini() wipes and frees them.
 */
int  message_decode(struct message *msg, const void *payload, size_t len,
     const char **why);
void message_fini(struct message *msg);

/* A copy, freed by message_free_domains(); NULL when out of memory. */
char **message_copy_domains(char *const *domains, size_t n);
void   message_free_domains(char **domains, size_t n);

/* "hello", for logs. */
const char *message_name(enum message_type type);

/* The four bytes before a payload. */
void message_header(uint8_t dst[MESSAGE_HEADER_LEN], uint8_t type, size_t len);

#endif /* MESSAGE_H */
