/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane.h"

#include <errno.h>
#include <string.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <nettle/hmac.h>

#include "base/relaxed.h"
#include "base/secret.h"
#include "base/wire.h"
#include "datapath/lane/lane_flight.h"
#include "datapath/lane/lane_path.h"

#define PSK_NAME	"tombolo"
#define GIVE_UP_MS	(20 * 86400 * 1000) /* UDP may be blocked so long */
#define NEVER_MS	(GIVE_UP_MS - 1) /* lane_flight.c does it */
#define RESERVED_FOR_HANDSHAKE (LANE_HEADER_LEN + LANE_MAC_LEN)

static int on_client_psk(gnutls_session_t session, char **name,
    gnutls_datum_t *key);
static int on_server_psk(gnutls_session_t session, const char *name,
    gnutls_datum_t *key);
static int copy_psk(gnutls_session_t session, gnutls_datum_t *key);
static const char *priorities(void);
static bool has_aes_hardware(void);
static ssize_t on_push(gnutls_transport_ptr_t ptr, const void *data, size_t len);
static bool may_send(struct lane *lane, size_t len);
static struct udp_datagram *reserve(struct lane *lane,
    const struct udp_path *path);
static struct udp_datagram *reserve_record(struct lane *lane,
    const struct udp_path *path);
static ssize_t on_pull(gnutls_transport_ptr_t ptr, void *data, size_t size);
static int on_pull_timeout(gnutls_transport_ptr_t ptr, unsigned int ms);
static void send_again(struct lane *lane, const struct udp_path *path,
    struct mono now);
static void shake(struct lane *lane, struct mono now);
static void come_up(struct lane *lane, struct mono now);
static void fail(struct lane *lane);
static void need_rekey(struct lane *lane);
static void confirm(struct lane *lane, struct mono now);
static bool mac_is_right(const struct lane *lane, const uint8_t *datagram,
    size_t len);
static void make_mac(const uint8_t key[LANE_KEYS_LEN], const uint8_t *data,
    size_t len, uint8_t mac[LANE_MAC_LEN]);
static void heard(struct lane *lane, uint64_t seq, size_t len,
    const struct udp_path *from, struct mono now);

int
lane_env_init(struct lane_env *env)
{
	gnutls_psk_client_credentials_t client_cred = NULL;
	gnutls_psk_server_credentials_t server_cred = NULL;
	gnutls_priority_t		priority = NULL;

	*env = (struct lane_env) { 0 };
	SLIST_INIT(&env->fresh);
	if (gnutls_priority_init(&priority, priorities(), NULL) < 0)
		return -ENOTSUP;
	env->priority = priority;
	if (gnutls_psk_allocate_client_credentials(&client_cred) < 0)
		goto no_memory;
	env->client_cred = client_cred;
	if (gnutls_psk_allocate_server_credentials(&server_cred) < 0)
		goto no_memory;
	env->server_cred = server_cred;
	gnutls_psk_set_client_credentials_function(client_cred, on_client_psk);
	gnutls_psk_set_server_credentials_function(server_cred, on_server_psk);
	return 0;

no_memory:
	lane_env_fini(env);
	return -ENOMEM;
}

void
lane_env_fini(struct lane_env *env)
{
	if (env->server_cred != NULL)
		gnutls_psk_free_server_credentials(env->server_cred);
	if (env->client_cred != NULL)
		gnutls_psk_free_client_credentials(env->client_cred);
	if (env->priority != NULL)
		gnutls_priority_deinit(env->priority);
	env->server_cred = env->client_cred = env->priority = NULL;
}

int
lane_start(struct lane *lane, struct lane_env *env, struct mono now)
{
	unsigned flags = GNUTLS_DATAGRAM | GNUTLS_NONBLOCK |
	    GNUTLS_NO_REPLAY_PROTECTION | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;

	lane->env = env;
	lane->started = now;
	lane->proven = lane->inherits || lane->leads;
	secret_random(lane->echo_key, sizeof(lane->echo_key));
	if (!lane->inherits)
		pmtu_init(&lane->pmtu, PMTU_BASE, now);
	flags |= lane->leads ? GNUTLS_CLIENT : GNUTLS_SERVER;
	lane->flight = lane_flight_new();
	if (lane->flight == NULL || gnutls_init(&lane->session, flags) < 0)
		return -ENOMEM;
	if (gnutls_priority_set(lane->session, env->priority) < 0 ||
	    gnutls_credentials_set(lane->session, GNUTLS_CRD_PSK,
		lane->leads ? env->client_cred : env->server_cred) < 0) {
		lane_stop(lane);
		return -ENOMEM;
	}
	gnutls_session_set_ptr(lane->session, lane);
	gnutls_transport_set_ptr(lane->session, lane);
	gnutls_transport_set_push_function(lane->session, on_push);
	gnutls_transport_set_pull_function(lane->session, on_pull);
	gnutls_transport_set_pull_timeout_function(lane->session,
	    on_pull_timeout);
	gnutls_dtls_set_timeouts(lane->session, NEVER_MS, GIVE_UP_MS);
	gnutls_dtls_set_mtu(lane->session, PMTU_BASE - RESERVED_FOR_HANDSHAKE);
	lane->state = LANE_HANDSHAKE;
	if (lane->leads)
		shake(lane, now);
	return 0;
}

void
lane_stop(struct lane *lane)
{
	if (lane->session != NULL) {
		gnutls_deinit(lane->session);
		lane->session = NULL;
	}
	record_key_wipe(&lane->open_key);
	record_key_wipe(&lane->seal_key);
	lane_flight_free(lane->flight);
	lane->flight = NULL;
	secret_wipe(&lane->keys, sizeof(lane->keys));
	lane->state = LANE_IDLE;
	relaxed_store(&lane->is_up, false);
}

enum drop
lane_handshake(struct lane *lane, const uint8_t *datagram, size_t len,
    const struct udp_path *from, struct mono now)
{
	struct lane_header hdr;
	uint64_t	   order;
	bool		   again;

	if (lane->state != LANE_HANDSHAKE && lane->state != LANE_UP)
		return DROP_NO_KEY;
	if (lane->confirmed || !mac_is_right(lane, datagram, len))
		return DROP_HANDSHAKE;
	if (lane_header_read(&hdr, datagram, len) < 0 ||
	    hdr.phase != lane->phase)
		return DROP_HANDSHAKE;

	order = ((uint64_t)hdr.epoch << 48 | hdr.seq) + 1;
	again = !lane->leads && order == lane->newest_handshake;
	lane->answer = &lane->path;
	if (order >= lane->newest_handshake) {
		lane->newest_handshake = order;
		if (!lane->leads) {
			lane_path_follow(lane, from, len);
			lane->answer = from;
		}
	}
	if (lane->state == LANE_HANDSHAKE) {
		lane->pull = datagram + LANE_HEADER_LEN;
		lane->pull_len = len - LANE_HEADER_LEN - LANE_MAC_LEN;
		lane_flight_begin(lane->flight);
		shake(lane, now);
		lane->pull = NULL;
		again = again && lane->flight != NULL &&
		    lane_flight_is_old(lane->flight);
	}
	/*
	 * A copy from elsewhere may have come first, or the peer may have a new
	 * address: answer each where it came from.
	 */
	if (again)
		send_again(lane, from, now);
	return DROP_NONE;
}

enum drop
lane_open(struct lane *lane, const struct lane_header *hdr, uint8_t *datagram,
    size_t len, const struct udp_path *from, uint8_t **plain,
    size_t *plain_len, struct mono now)
{
	if (lane->state != LANE_UP || hdr->phase != lane->phase)
		return DROP_NO_KEY;
	if (hdr->epoch != 1 || len <= lane->overhead)
		return DROP_MALFORMED;
	switch (replay_seen(&lane->replay, hdr->seq)) {
	case REPLAY_FRESH:
		break;
	case REPLAY_DUPLICATE:
		return DROP_REPLAYED;
	case REPLAY_OLD:
		return DROP_OLD;
	}
	if (record_open(&lane->open_key, datagram + LANE_HEADER_LEN,
		len - LANE_HEADER_LEN, plain, plain_len) < 0) {
		/* RFC 9147 4.5.3: failed records use up a key, too. */
		if (lane->forgeries >> LANE_MAX_FORGED_EXP != 0)
			need_rekey(lane);
		if (++lane->forgeries >> LANE_MAX_PACKET_EXP != 0)
			fail(lane);
		return DROP_FORGED;
	}

	/* The record is authentic and fresh, so it may change our state. */
	lane->echoed = false;
	heard(lane, hdr->seq, len, from, now);
	return DROP_NONE;
}

enum drop
lane_seal(struct lane *lane, const uint8_t *plain, size_t len)
{
	return lane_seal_to(lane, &lane->path, plain, len);
}

enum drop
lane_seal_to(struct lane *lane, const struct udp_path *path,
    const uint8_t *plain, size_t len)
{
	struct udp_datagram *dgram;
	size_t		     record_len;

	if (lane->state != LANE_UP || !lane->confirmed)
		return DROP_NO_LANE;
	if (len + lane->overhead > UDP_MAX_LEN)
		return DROP_SEAL;
	if (!may_send(lane, len + lane->overhead))
		return DROP_NO_LANE;
	/* AES blocks with the header's, plus one for the record itself. */
	lane->blocks += (len + LANE_RECORD_HEADER_LEN + 15) / 16 + 1;
	if (lane->blocks >= lane->key_limit)
		need_rekey(lane);
	if (lane->blocks >> LANE_MAX_PACKET_EXP != 0) {
		fail(lane);
		return DROP_KEY_LIMIT;
	}
	dgram = reserve_record(lane, path);
	record_len = record_seal(&lane->seal_key, dgram->data + LANE_HEADER_LEN,
	    plain, len);
	if (record_len == 0) { /* the library is in its error state */
		udp_cancel(lane->env->udp);
		fail(lane);
		return DROP_SEAL;
	}
	dgram->len = LANE_HEADER_LEN + record_len;
	return DROP_NONE;
}

void
lane_tick(struct lane *lane, struct mono now)
{
	if (lane->flight != NULL && lane_flight_is_due(lane->flight, now))
		send_again(lane, &lane->path, now);
	if (lane->state == LANE_UP && lane->confirmed)
		lane_path_tick(lane, now);
}

void
lane_prove(struct lane *lane, struct mono now)
{
	lane->proven = true;
	lane_liveness_start(&lane->liveness, lane->keepalive_us, now);
	if (!lane->inherits)
		lane_path_search(lane, now);
	relaxed_store(&lane->is_up, true);
	mailbox_post(lane->control, &lane->up);
	SLIST_INSERT_HEAD(&lane->env->fresh, lane, fresh_entry);
}

static int
on_client_psk(gnutls_session_t session, char **name, gnutls_datum_t *key)
{
	*name = gnutls_strdup(PSK_NAME);
	if (*name == NULL)
		return -1;
	return copy_psk(session, key);
}

static int
on_server_psk(gnutls_session_t session, const char *name, gnutls_datum_t *key)
{
	return copy_psk(session, key);
}

static int
copy_psk(gnutls_session_t session, gnutls_datum_t *key)
{
	const struct lane *lane = gnutls_session_get_ptr(session);

	key->data = gnutls_malloc(sizeof(lane->keys.psk));
	if (key->data == NULL)
		return -1;
	key->size = sizeof(lane->keys.psk);
	memcpy(key->data, lane->keys.psk, key->size);
	return 0;
}

/*
 * 128 bits: as strong as the X25519 and the exporter that the keys come from,
 * and 4 % cheaper in all.  CHACHA20 comes first only where AES would be several
 * times slower.
 */
static const char *
priorities(void)
{
	return has_aes_hardware() ?
	    "NONE:+VERS-DTLS1.2:+PSK:+AES-128-GCM:+AES-256-GCM:"
	    "+CHACHA20-POLY1305:+AEAD:+SIGN-ALL:+COMP-NULL:%SERVER_PRECEDENCE" :
	    "NONE:+VERS-DTLS1.2:+PSK:+CHACHA20-POLY1305:+AES-128-GCM:"
	    "+AES-256-GCM:+AEAD:+SIGN-ALL:+COMP-NULL:%SERVER_PRECEDENCE";
}

static bool
has_aes_hardware(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & (1u << 3)) != 0; /* HWCAP_AES */
#else
	return false;
#endif
}

/* GnuTLS passes one handshake record; it is sent with its handshake MAC. */
static ssize_t
on_push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	struct lane	    *lane = ptr;
	const uint8_t	    *record = data;
	struct udp_datagram *dgram;

	if (lane->path.remote.len == 0 || len == 0 ||
	    record[0] == LANE_TYPE_ALERT ||
	    len > UDP_MAX_LEN - RESERVED_FOR_HANDSHAKE)
		return (ssize_t)len;
	dgram = reserve_record(lane, lane->leads ? &lane->path : lane->answer);
	memcpy(dgram->data + LANE_HEADER_LEN, data, len);
	dgram->len = LANE_HEADER_LEN + len;
	make_mac(lane->leads ? lane->keys.mac_client :
				      lane->keys.mac_server,
	    dgram->data, dgram->len, dgram->data + dgram->len);
	dgram->len += LANE_MAC_LEN;
	if (lane->flight != NULL)
		lane_flight_add(lane->flight, dgram->data, dgram->len);
	if (!may_send(lane, dgram->len))
		udp_cancel(lane->env->udp);
	return (ssize_t)len;
}

static bool
may_send(struct lane *lane, size_t len)
{
	if (lane->proven)
		return true;
	if (len > lane->allowance)
		return false;
	lane->allowance -= len;
	return true;
}

/*
 * Reserves a datagram of this lane.  A server answers by the socket at which it
 * was asked.
 */
static struct udp_datagram *
reserve(struct lane *lane, const struct udp_path *path)
{
	struct udp_datagram *dgram = udp_reserve(lane->env->udp);

	if (dgram == NULL) {
		udp_flush(lane->env->udp);
		dgram = udp_reserve(lane->env->udp);
	}
	dgram->path = path;
	dgram->fd = lane->leads ? lane->fd : path->fd;
	return dgram;
}

/* The same with the lane's header written; the record follows it. */
static struct udp_datagram *
reserve_record(struct lane *lane, const struct udp_path *path)
{
	struct udp_datagram *dgram = reserve(lane, path);

	lane_header_write(dgram->data, lane->phase, lane->number,
	    lane->session_id);
	return dgram;
}

/* Repeats the same datagrams; the peer recognises those it has. */
static void
send_again(struct lane *lane, const struct udp_path *path, struct mono now)
{
	const uint8_t *data;
	size_t	       len;

	for (unsigned i = 0;
	    (data = lane_flight_get(lane->flight, i, &len)) != NULL &&
	    may_send(lane, len); i++) {
		struct udp_datagram *dgram = reserve(lane, path);

		memcpy(dgram->data, data, len);
		dgram->len = len;
	}
	lane_flight_sent(lane->flight, now);
}

/* Returns a whole record or EAGAIN, never 0: that would end the session. */
static ssize_t
on_pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
	struct lane *lane = ptr;
	size_t	     len = lane->pull_len;

	if (lane->pull == NULL || len > size) {
		gnutls_transport_set_errno(lane->session, EAGAIN);
		return -1;
	}
	memcpy(data, lane->pull, len);
	lane->pull = NULL;
	return (ssize_t)len;
}

static int
on_pull_timeout(gnutls_transport_ptr_t ptr, unsigned int ms)
{
	const struct lane *lane = ptr;

	return lane->pull != NULL;
}

static void
shake(struct lane *lane, struct mono now)
{
	int r = gnutls_handshake(lane->session);

	if (r == 0)
		come_up(lane, now);
	else if (gnutls_error_is_fatal(r))
		fail(lane);
}

/*
 * Takes over the session's keys and sequence numbers.  The session sends
 * nothing more; lane_flight.c repeats its last flight.
 */
static void
come_up(struct lane *lane, struct mono now)
{
	int r = record_keys_take(&lane->open_key, &lane->seal_key, lane->session,
	    lane->env->aead);

	gnutls_deinit(lane->session);
	lane->session = NULL;
	if (r < 0) {
		fail(lane);
		return;
	}
	lane->state = LANE_UP;
	lane->overhead = (uint16_t)(LANE_HEADER_LEN +
	    record_overhead(&lane->open_key));
	secret_wipe(lane->keys.psk, sizeof(lane->keys.psk));
	if (lane->leads)
		confirm(lane, now);
}

static void
fail(struct lane *lane)
{
	if (lane->state == LANE_FAILED)
		return;
	lane->state = LANE_FAILED;
	/* Nobody answers the flight: stop repeating it. */
	lane_flight_free(lane->flight);
	lane->flight = NULL;
	relaxed_store(&lane->is_up, false);
	mailbox_post(lane->control, &lane->failed);
}

/* Asks control for new keys; meanwhile the lane goes on. */
static void
need_rekey(struct lane *lane)
{
	if (lane->asked_rekey)
		return;
	lane->asked_rekey = true;
	mailbox_post(lane->control, &lane->rekey_needed);
}

/* Both ends have the keys: the handshake is complete. */
static void
confirm(struct lane *lane, struct mono now)
{
	lane->confirmed = true;
	lane_flight_free(lane->flight);
	lane->flight = NULL;
	secret_wipe(&lane->keys, sizeof(lane->keys));
	relaxed_store(&lane->last_heard_us, now.us);
	if (lane->proven)
		lane_prove(lane, now);
}

static bool
mac_is_right(const struct lane *lane, const uint8_t *datagram, size_t len)
{
	uint8_t mac[LANE_MAC_LEN];

	make_mac(lane->leads ? lane->keys.mac_server :
				      lane->keys.mac_client,
	    datagram, len - LANE_MAC_LEN, mac);
	return secret_equal(mac, datagram + len - LANE_MAC_LEN, sizeof(mac));
}

static void
make_mac(const uint8_t key[LANE_KEYS_LEN], const uint8_t *data, size_t len,
    uint8_t mac[LANE_MAC_LEN])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, LANE_KEYS_LEN, key);
	hmac_sha256_update(&hmac, len, data);
	hmac_sha256_digest(&hmac, LANE_MAC_LEN, mac);
}

/* An authentic record of number `seq` came from `from`. */
static void
heard(struct lane *lane, uint64_t seq, size_t len,
    const struct udp_path *from, struct mono now)
{
	bool newest = replay_is_newest(&lane->replay, seq);

	replay_commit(&lane->replay, seq);
	relaxed_store(&lane->last_heard_us, now.us);
	if (newest && !lane->leads &&
	    (!lane->proven || !lane->confirmed))
		lane_path_follow(lane, from, len);
	if (!lane->confirmed)
		confirm(lane, now);
	if (newest && !lane->leads)
		lane_path_heard(lane, from, now);
}
