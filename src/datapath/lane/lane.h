/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane: one DTLS 1.2 session of a site, bound to one worker (PROTOCOL 5).
 *
 * A GnuTLS session does the handshake; its push and pull functions only move
 * bytes between it and the worker's batches.  Then the session is freed, and
 * its keys seal and open the records (record.h). No byte from an unknown host
 * reaches GnuTLS: handshake records must carry a handshake MAC (HMAC) that only
 * the two ends of the control session can compute.  Application records must
 * have exactly the expected form.
 *
 *            first flight             finished         first record opened
 *   HANDSHAKE ----> HANDSHAKE --------------> UP --------------> UP, confirmed
 *       |                                      |                      | its peer
 *       +----------- GnuTLS gave up -----------+--> FAILED            v answers
 *                                                             confirmed, proven
 *
 * One of the two ends leads, as in its session: it is the DTLS client; its lane
 * is confirmed when it is up (the peer sent the last flight), and its path is
 * proven.  The other end sends to where the newest handshake record came from.
 * Until an ECHO is answered, it sends at most LANE_UNPROVEN times the bytes
 * received from there, so no site can direct our traffic at a third party.
 *
 * We repeat lost handshake records ourselves (lane_flight.h): GnuTLS would
 * double its pause after each loss, up to a minute.  lane_path.c handles the
 * path of the datagrams.
 */
#ifndef LANE_H
#define LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <ev.h>

#include "base/mono.h"
#include "datapath/util/drop.h"
#include "base/frame.h"
#include "datapath/lane/item.h"
#include "datapath/record/lane_header.h"
#include "datapath/lane/lane_keys.h"
#include "datapath/util/mailbox.h"
#include "datapath/lane/pmtu.h"
#include "datapath/record/record.h"
#include "datapath/record/replay.h"
#include "datapath/lane/lane_liveness.h"
#include "io/udp.h"

struct gnutls_session_int;
struct lane_env;
struct lane_flight;
struct lane_socket;
struct port;

#define LANE_PATIENCE_US    (10 * MONO_SEC)
#define LANE_MAX_PACKET_EXP 36	  /* log2 of AES blocks + records for one key */
#define LANE_MAX_FORGED_EXP 35	  /* of forgeries, before it asks for a new key */
#define LANE_PHASES	    4	  /* two bits on the wire */
#define LANE_UNPROVEN	    3	  /* times the bytes received (RFC 9000 8.1) */

enum lane_state { LANE_IDLE, LANE_HANDSHAKE, LANE_UP, LANE_FAILED };

struct lane {
	/* set by control before it is attached */
	struct lane_keys keys; /* the PSK is wiped once the lane is up */
	uint32_t	 session_id;
	uint8_t		 number;
	uint8_t		 phase;
	bool		 leads; /* as its session: it is the DTLS client */
	uint32_t	 generation; /* control's count of phases */
	struct lane_socket *socket; /* if it leads; NULL: use its predecessor's */
	struct udp_path	 path; /* learned, if it does not lead */
	int64_t		 keepalive_us; /* the worker copies its port's */
	uint64_t	 key_limit; /* blocks, after which it asks for new keys */
	struct port	*port;
	struct letter	 up, failed, rekey_needed; /* to control, each once */
	struct mailbox	*control;    /* to which they are posted */

	/* used by the worker only */
	int			   fd; /* of the socket; -1: it has none */
	struct lane_env		  *env;
	struct gnutls_session_int *session; /* until up */
	struct record_key	   open_key, seal_key; /* once up */
	enum lane_state		   state;
	bool			   confirmed;
	bool			   proven; /* the peer is where `path` says */
	size_t			   allowance; /* bytes it may be sent until then */
	const struct udp_path	  *answer; /* where GnuTLS's answer goes */
	bool			   inherits; /* the path is known already */
	bool			   asked_rekey;
	struct lane_flight	  *flight; /* until confirmed, or failed; owned */
	uint16_t		   overhead; /* datagram minus plaintext */
	uint32_t		   frag_owner;
	uint32_t		   next_frame_id;
	const uint8_t		  *pull; /* the record GnuTLS reads next */
	size_t			   pull_len;
	uint64_t		   newest_handshake; /* epoch and sequence, plus 1 */
	struct replay		   replay;
	struct pmtu		   pmtu;
	uint64_t		   blocks;   /* AES blocks and records sealed */
	uint64_t		   forgeries;
	uint8_t			   echo_key[16]; /* key of our ECHO ids */
	bool			   echoed; /* an ECHO of this record was answered */
	struct mono		   started;
	struct lane_liveness	   liveness; /* does it still carry frames? */
	struct udp_path		   candidate; /* the path checked last, */
	struct mono		   candidate_next; /* and when it may be checked again */

	/* queued in this turn (send.h) */
	struct frame out[FRAME_BATCH];
	unsigned     nout;
	bool	     dirty;
	SLIST_ENTRY(lane) dirty_entry;
	SLIST_ENTRY(lane) fresh_entry; /* lane_env.fresh */

	/* written by the worker, read by control */
	_Atomic int64_t	 last_heard_us; /* authentic record; 0: never */
	_Atomic int64_t	 rtt_us;	/* 0: unknown */
	_Atomic uint32_t path_mtu;	/* largest outer IP packet that passes */
	_Atomic uint32_t moves;		/* times the peer's address moved */
	_Atomic bool	 is_up;
	_Atomic bool	 is_suspect; /* up, but not used */
};

/* What the lanes of one worker share; the worker embeds it. */
struct lane_env {
	void  *priority; /* gnutls_priority_t */
	void  *client_cred, *server_cred; /* gnutls_psk_*_credentials_t */
	const struct aead *aead;
	struct udp_batch  *udp; /* to send with */
	size_t max_outer;
	/* Lanes that became ready in this turn, for the worker. */
	SLIST_HEAD(, lane) fresh;
	uint8_t scratch[UDP_MAX_LEN]; /* for ECHO items */
};

/*
 * Returns 0 or a negative errno value; -ENOTSUP if the library's policy on this
 * host forbids DTLS 1.2 with PSK (FIPS, crypto-policies).
 */
int  lane_env_init(struct lane_env *env);
void lane_env_fini(struct lane_env *env);

/*
 * Starts the handshake; if the lane leads, pushes the first flight at once.
 * Returns 0 or a negative errno value.
 */
int lane_start(struct lane *lane, struct lane_env *env, struct mono now);

/* Ends the lane and wipes its keys; idempotent.  Does not close lane->fd. */
void lane_stop(struct lane *lane);

/*
 * Processes a handshake record for this lane (`datagram` whole, accepted by
 * lane_header_read()). DROP_NONE if its MAC was right and GnuTLS accepted it.
 */
enum drop lane_handshake(struct lane *lane, const uint8_t *datagram, size_t len,
    const struct udp_path *from, struct mono now);

/*
 * Opens an application record in place; checks the replay window before, and
 * updates it after.  With DROP_NONE `*plain` lies within the datagram, and the
 * lane has recorded time and address.
 */
enum drop lane_open(struct lane *lane, const struct lane_header *hdr,
    uint8_t *datagram, size_t len, const struct udp_path *from,
    uint8_t **plain, size_t *plain_len, struct mono now);

/*
 * Seals one record and adds it to the batch, addressed to the lane's peer or to
 * `path`, which must not change until the batch is sent.
 */
enum drop lane_seal(struct lane *lane, const uint8_t *plain, size_t len);
enum drop lane_seal_to(struct lane *lane, const struct udp_path *path,
    const uint8_t *plain, size_t len);

/* For lane_path.c: the path is proven, so the lane is ready. */
void lane_prove(struct lane *lane, struct mono now);

/* The next phase (PROTOCOL 5.6). */
static inline uint8_t
lane_next_phase(uint8_t phase)
{
	return (phase + 1) & (LANE_PHASES - 1);
}

/* Both ends have the keys, and each knows the other's address. */
static inline bool
lane_is_ready(const struct lane *lane)
{
	return lane->state == LANE_UP && lane->confirmed && lane->proven;
}

/* The largest plaintext of a record that the path carries now. */
static inline size_t
lane_capacity(const struct lane *lane)
{
	return lane->pmtu.current - lane->overhead;
}

/* The longest frame that passes as one item. */
static inline size_t
lane_room(const struct lane *lane)
{
	return lane_capacity(lane) - ITEM_FRAME_HEADER;
}

/* True if frames may be sent by the lane: it is ready, and not suspect. */
static inline bool
lane_is_usable(const struct lane *lane)
{
	return lane_is_ready(lane) && !lane_liveness_is_suspect(&lane->liveness);
}

/* Frames of users go out by the lane: it must prove that it carries them. */
static inline void
lane_use(struct lane *lane)
{
	lane_liveness_sent(&lane->liveness);
	pmtu_sent(&lane->pmtu);
}

/*
 * Retransmits, sends keepalives and path probes.  Call it every 20 ms while
 * lane_is_busy(), else a few times a second.
 */
void lane_tick(struct lane *lane, struct mono now);

/*
 * True during the handshake, the search for the path's size, or while a reply
 * is awaited.  After LANE_PATIENCE_US without success the retries are too rare
 * to count.
 */
static inline bool
lane_is_busy(const struct lane *lane, struct mono now)
{
	if (lane->state == LANE_HANDSHAKE || !lane->proven)
		return mono_sub(now, lane->started) < LANE_PATIENCE_US;
	return lane->state == LANE_UP &&
	    !lane_liveness_is_suspect(&lane->liveness) &&
	    (lane_liveness_is_busy(&lane->liveness) ||
		lane->pmtu.state == PMTU_SEARCHING);
}

#endif /* LANE_H */
