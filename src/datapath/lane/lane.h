/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane: one DTLS 1.2 session of a site, bound to one worker (PROTOCOL 5).
 *
 * A GnuTLS session shakes hands; its push and pull functions only move bytes
 * between it and the worker's batches.  Then it is gone, and its keys seal and
 * open the records (record.h).  No byte of an unknown host reaches it: handshake
 * records must carry a seal (HMAC) that only the two ends of the control session
 * can make.  Application records must have the one form that is right.
 *
 *            first flight             finished         first record opened
 *   HANDSHAKE ----> HANDSHAKE --------------> UP --------------> UP, confirmed
 *       |                                      |                      | its peer
 *       +----------- GnuTLS gave up -----------+--> FAILED            v answers
 *                                                             confirmed, proven
 *
 * Of its two ends one leads, as in its session: it is the client of DTLS, is
 * confirmed when it is up (its peer sent the last flight), and its path is
 * proven.  The other goes to where the newest handshake record came from, and
 * sends at most LANE_UNPROVEN times what came from there until an ECHO is
 * answered: no site can aim us at somebody else.  Lost
 * handshake records are sent again by us (lane_flight.h): GnuTLS would pause
 * twice as long after each loss, up to a minute.  The
 * way its datagrams take is lane_path.c's.
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
#define LANE_MAX_PACKET_EXP 36	  /* log2 of AES blocks + records a key may do */
#define LANE_MAX_FORGED_EXP 35	  /* of forgeries, before it asks for another */
#define LANE_PHASES	    4	  /* two bits on the wire */
#define LANE_UNPROVEN	    3	  /* times the bytes received (RFC 9000 8.1) */

enum lane_state { LANE_IDLE, LANE_HANDSHAKE, LANE_UP, LANE_FAILED };

struct lane {
	/* set by control before it is attached */
	struct lane_keys keys; /* the PSK is wiped once the lane is up */
	uint32_t	 session_id;
	uint8_t		 number;
	uint8_t		 phase;
	bool		 leads; /* as its session does: it begins */
	uint32_t	 generation; /* control's own count of phases */
	struct lane_socket *socket; /* it leads; NULL: its predecessor's */
	struct udp_path	 path; /* learned, where it does not lead */
	int64_t		 keepalive_us; /* the worker follows its port's */
	uint64_t	 wears_at; /* blocks, then it asks for new keys */
	struct port	*port;
	struct letter	 up, failed, worn; /* to control, once each */
	struct mailbox	*control;    /* where they go */

	/* the worker's */
	int			   fd; /* of the socket; -1: it has none */
	struct lane_env		  *env;
	struct gnutls_session_int *session; /* until up */
	struct record_key	   opening, sealing; /* once up */
	enum lane_state		   state;
	bool			   confirmed;
	bool			   proven; /* the peer is where `path` says */
	size_t			   allowance; /* bytes for it until then */
	const struct udp_path	  *answer; /* whither GnuTLS answers */
	bool			   inherits; /* the way is known already */
	bool			   is_worn;
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
	uint8_t			   echo_key[16]; /* makes our ECHO ids our own */
	bool			   echoed; /* this record's ECHO is answered */
	struct mono		   started;
	struct lane_liveness	   liveness; /* whether it still carries */
	struct udp_path		   candidate; /* the path that was checked last, */
	struct mono		   candidate_next; /* and when it may be again */

	/* out in this turn (send.h) */
	struct frame out[FRAME_BATCH];
	unsigned     nout;
	bool	     dirty;
	SLIST_ENTRY(lane) dirty_entry;
	SLIST_ENTRY(lane) fresh_entry; /* lane_env.fresh */

	/* written by the worker, read by control */
	_Atomic int64_t	 last_heard_us; /* authentic record; 0: never */
	_Atomic int64_t	 rtt_us;	/* 0: unknown */
	_Atomic uint32_t path_mtu;	/* outer IP packet that passes */
	_Atomic uint32_t moves;		/* times the peer's address moved */
	_Atomic bool	 is_up;
	_Atomic bool	 is_suspect; /* up, and yet not used */
};

/* What the lanes of one worker share; the worker embeds it. */
struct lane_env {
	void  *priority; /* gnutls_priority_t */
	void  *client_cred, *server_cred; /* gnutls_psk_*_credentials_t */
	const struct aead *aead;
	struct udp_batch  *udp; /* by which they send */
	size_t max_outer;
	/* Those that became ready in this turn, for the worker to look at. */
	SLIST_HEAD(, lane) fresh;
	uint8_t scratch[UDP_MAX_LEN]; /* for ECHO items */
};

/*
 * 0 or a negative errno value; -ENOTSUP when the library's policy on this host
 * forbids DTLS 1.2 with PSK (FIPS, crypto-policies).
 */
int  lane_env_init(struct lane_env *env);
void lane_env_fini(struct lane_env *env);

/*
 * Starts the handshake; if it leads, the first flight is pushed at once.  0 or a
 * negative errno value.
 */
int lane_start(struct lane *lane, struct lane_env *env, struct mono now);

/* Ends it, wipes its keys; idempotent.  Does not close lane->fd. */
void lane_stop(struct lane *lane);

/*
 * A handshake record for this lane (`datagram` whole, as lane_header_read()
 * found it good).  DROP_NONE when its seal was right and GnuTLS took it.
 */
enum drop lane_handshake(struct lane *lane, const uint8_t *datagram, size_t len,
    const struct udp_path *from, struct mono now);

/*
 * Opens an application record in place: replay window looked at before, moved
 * after.  DROP_NONE: `*plain` lies within the datagram, and the lane has taken
 * note of time and address.
 */
enum drop lane_open(struct lane *lane, const struct lane_header *hdr,
    uint8_t *datagram, size_t len, const struct udp_path *from,
    uint8_t **plain, size_t *plain_len, struct mono now);

/*
 * Seals one record and puts it into the batch, to where the lane's peer is or
 * to `path`, which must stay as it is until the batch is sent.
 */
enum drop lane_seal(struct lane *lane, const uint8_t *plain, size_t len);
enum drop lane_seal_to(struct lane *lane, const struct udp_path *path,
    const uint8_t *plain, size_t len);

/* Its path is proven: it is ready.  For lane_path.c. */
void lane_prove(struct lane *lane, struct mono now);

/* The phase behind it (PROTOCOL 5.6). */
static inline uint8_t
lane_next_phase(uint8_t phase)
{
	return (phase + 1) & (LANE_PHASES - 1);
}

/* Both ends have it, and each knows where the other is. */
static inline bool
lane_is_ready(const struct lane *lane)
{
	return lane->state == LANE_UP && lane->confirmed && lane->proven;
}

/* Largest plaintext of a record that the path carries now. */
static inline size_t
lane_capacity(const struct lane *lane)
{
	return lane->pmtu.current - lane->overhead;
}

/* Longest frame that passes as one item. */
static inline size_t
lane_room(const struct lane *lane)
{
	return lane_capacity(lane) - ITEM_FRAME_HEADER;
}

/* Frames may go out by it: it answers, too. */
static inline bool
lane_is_usable(const struct lane *lane)
{
	return lane_is_ready(lane) && !lane_liveness_is_suspect(&lane->liveness);
}

/* Frames that matter go out by it: it has to prove that it carries them. */
static inline void
lane_use(struct lane *lane)
{
	lane_liveness_sent(&lane->liveness);
	pmtu_sent(&lane->pmtu);
}

/*
 * Retransmission, keepalive, path probes.  Wants to be called every 20 ms while
 * lane_is_busy(), else a few times a second.
 */
void lane_tick(struct lane *lane, struct mono now);

/*
 * Its handshake or its search for the path's size is under way.  One that does
 * not get through for LANE_PATIENCE_US retries too seldom to count.
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
