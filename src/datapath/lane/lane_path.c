/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane_path.h"

#include <nettle/hmac.h>

#include "base/relaxed.h"
#include "datapath/lane/lane.h"

#define PATH_CHECK_US (250 * MONO_MS)
#define PATH_MOVED_US (1 * MONO_SEC) /* before it may move back */
#define ANSWER_US     (8 * MONO_SEC) /* older replies say nothing about now */
#define IP4_UDP_LEN   28
#define IP6_UDP_LEN   48

static void check_path(struct lane *lane, const struct udp_path *path,
    struct mono now);
static uint64_t path_id(const struct lane *lane, const struct udp_path *path,
    uint64_t timestamp);
static uint64_t size_id(const struct lane *lane, uint64_t size,
    uint64_t timestamp);
static void begin_id(const struct lane *lane, struct hmac_sha256_ctx *hmac,
    uint64_t timestamp);
static void path_answered(struct lane *lane, const struct item *item,
    const struct udp_path *from, struct mono now);
static bool is_fresh(const struct item *item, struct mono now);
static void note_rtt(struct lane *lane, const struct item *item,
    struct mono now);
static bool path_is_equal(const struct udp_path *a, const struct udp_path *b);
static size_t outer_headers(const struct lane *lane);
static size_t largest_datagram(const struct lane *lane);
static void ask_echo(struct lane *lane, size_t datagram_len, struct mono now);
static void publish_suspect(struct lane *lane);
static void publish_path_mtu(struct lane *lane);

void
lane_path_search(struct lane *lane, struct mono now)
{
	pmtu_init(&lane->pmtu, largest_datagram(lane), now);
	publish_path_mtu(lane);
}

void
lane_path_inherit(struct lane *lane, const struct lane *before)
{
	lane->inherits = true;
	lane->path = before->path;
	lane->pmtu = before->pmtu;
	relaxed_store(&lane->rtt_us, relaxed_load(&before->rtt_us));
	relaxed_store(&lane->moves, relaxed_load(&before->moves));
	publish_path_mtu(lane);
}

void
lane_path_tick(struct lane *lane, struct mono now)
{
	int64_t rtt_us = relaxed_load(&lane->rtt_us);
	size_t	probe;

	if (!lane->proven) {
		check_path(lane, &lane->path, now);
		return;
	}
	if (lane_liveness_tick(&lane->liveness, rtt_us, now))
		ask_echo(lane, 0, now);
	publish_suspect(lane);
	/* Do not search the size of a path that carries nothing. */
	if (lane_liveness_is_suspect(&lane->liveness))
		return;
	if (pmtu_is_due(&lane->pmtu, now)) {
		probe = pmtu_tick(&lane->pmtu, now);
		publish_path_mtu(lane);
		if (probe != 0)
			ask_echo(lane, probe, now);
	}
}

void
lane_path_follow(struct lane *lane, const struct udp_path *from, size_t len)
{
	if (!path_is_equal(from, &lane->path)) {
		lane->path = *from;
		lane->proven = lane->inherits = false;
		lane->allowance = 0;
	}
	lane->allowance += LANE_UNPROVEN * len;
}

/*
 * The peer seems to have moved: the lane only follows after a reply from there.
 */
void
lane_path_heard(struct lane *lane, const struct udp_path *path, struct mono now)
{
	if (!lane->proven || !path_is_equal(path, &lane->path))
		check_path(lane, path, now);
}

/*
 * RFC 9853: sends one small ECHO, less than three times the bytes received.  At
 * most a few a second to one address; each new address gets one at once, so
 * that a copy sent from elsewhere does not delay the peer.  `path` must not
 * change until the batch is sent.
 */
static void
check_path(struct lane *lane, const struct udp_path *path, struct mono now)
{
	uint8_t *scratch = lane->env->scratch;

	if (path_is_equal(path, &lane->candidate) &&
	    !mono_is_due(lane->candidate_next, now))
		return;
	lane->candidate = *path;
	lane->candidate_next = mono_add(now, PATH_CHECK_US);
	(void)lane_seal_to(lane, path, scratch,
	    item_put_echo(scratch, ITEM_ECHO_LEN, ITEM_ECHO_PATH,
		path_id(lane, path, (uint64_t)now.us), (uint64_t)now.us));
}

/*
 * An ECHO id that only the host at that path, asked at that time, can know; the
 * peer itself cannot guess it either.
 */
static uint64_t
path_id(const struct lane *lane, const struct udp_path *path,
    uint64_t timestamp)
{
	struct hmac_sha256_ctx hmac;
	uint64_t	       id;

	begin_id(lane, &hmac, timestamp);
	hmac_sha256_update(&hmac, path->remote.len,
	    (const uint8_t *)&path->remote.sa);
	hmac_sha256_update(&hmac, sizeof(path->local), path->local.s6_addr);
	hmac_sha256_digest(&hmac, sizeof(id), (uint8_t *)&id);
	return id;
}

/* The size of the datagram is encoded in it. */
static uint64_t
size_id(const struct lane *lane, uint64_t size, uint64_t timestamp)
{
	struct hmac_sha256_ctx hmac;
	uint64_t	       id;

	begin_id(lane, &hmac, timestamp);
	hmac_sha256_update(&hmac, sizeof(size), (const uint8_t *)&size);
	hmac_sha256_digest(&hmac, sizeof(id), (uint8_t *)&id);
	return (id & ~UINT64_C(0xffff)) | size;
}

static void
begin_id(const struct lane *lane, struct hmac_sha256_ctx *hmac,
    uint64_t timestamp)
{
	hmac_sha256_set_key(hmac, sizeof(lane->echo_key), lane->echo_key);
	hmac_sha256_update(hmac, sizeof(timestamp),
	    (const uint8_t *)&timestamp);
}

static void
path_answered(struct lane *lane, const struct item *item,
    const struct udp_path *from, struct mono now)
{
	if (lane->leads ||
	    item->id != path_id(lane, from, item->timestamp))
		return;
	if (lane->proven && path_is_equal(from, &lane->path))
		return;
	if (!lane->proven) {
		lane->path = *from;
		lane_prove(lane, now);
		/* This counts as a reply; the next ECHO is the site's. */
		lane_liveness_answered(&lane->liveness, now);
		lane_liveness_peer_asked(&lane->liveness, now);
		note_rtt(lane, item, now);
		return;
	}
	lane->candidate = lane->path;
	lane->candidate_next = mono_add(now, PATH_MOVED_US);
	lane->path = *from;
	lane_path_search(lane, now);
	relaxed_add(&lane->moves, 1);
}

void
lane_path_echo(struct lane *lane, const struct item *item,
    const struct udp_path *from, struct mono now)
{
	size_t size = item->id & 0xffff;

	if ((item->flags & ITEM_ECHO_REPLY) == 0) {
		if (lane->echoed)
			return;
		lane->echoed = true;
		(void)lane_seal(lane, lane->env->scratch,
		    item_put_echo(lane->env->scratch, ITEM_ECHO_LEN,
			item->flags | ITEM_ECHO_REPLY, item->id,
			item->timestamp));
		if (!lane->leads)
			lane_liveness_peer_asked(&lane->liveness, now);
		/*
		 * The peer sees our packets come from elsewhere: the path is
		 * another.
		 */
		if ((item->flags & ITEM_ECHO_PATH) != 0)
			lane_path_search(lane, now);
		return;
	}
	if (!is_fresh(item, now))
		return;
	if ((item->flags & ITEM_ECHO_PATH) != 0) {
		path_answered(lane, item, from, now);
		return;
	}
	if (item->id != size_id(lane, size, item->timestamp))
		return;
	/* The lane may have recovered by another path. */
	if (lane_liveness_is_suspect(&lane->liveness))
		lane_path_search(lane, now);
	lane_liveness_answered(&lane->liveness, now);
	publish_suspect(lane);
	if (size == 0)
		note_rtt(lane, item, now);
	if (size != 0 && pmtu_answered(&lane->pmtu, size, now))
		publish_path_mtu(lane);
}

void
lane_path_refused(struct lane *lane, size_t datagram_len, struct mono now)
{
	if (lane->state == LANE_UP &&
	    pmtu_refused(&lane->pmtu, datagram_len, now))
		publish_path_mtu(lane);
}

/* The timestamp is ours only if the id, which depends on it, is right. */
static bool
is_fresh(const struct item *item, struct mono now)
{
	return (uint64_t)now.us - item->timestamp <= ANSWER_US;
}

static void
note_rtt(struct lane *lane, const struct item *item, struct mono now)
{
	relaxed_store(&lane->rtt_us, now.us - (int64_t)item->timestamp);
}

static bool
path_is_equal(const struct udp_path *a, const struct udp_path *b)
{
	return a->fd == b->fd && endpoint_is_equal(&a->remote, &b->remote) &&
	    IN6_ARE_ADDR_EQUAL(&a->local, &b->local);
}

/* An IPv4-mapped address goes out by IPv4. */
static size_t
outer_headers(const struct lane *lane)
{
	struct addr addr = endpoint_addr(&lane->path.remote);

	return addr.family == AF_INET ? IP4_UDP_LEN : IP6_UDP_LEN;
}

static size_t
largest_datagram(const struct lane *lane)
{
	size_t size = lane->env->max_outer - outer_headers(lane);

	return size > UDP_MAX_LEN ? UDP_MAX_LEN : size;
}

/* Sends an ECHO; with `datagram_len`, padded to a datagram of that size. */
static void
ask_echo(struct lane *lane, size_t datagram_len, struct mono now)
{
	uint64_t at = (uint64_t)now.us;
	size_t	 len = datagram_len != 0 ? datagram_len - lane->overhead :
					   ITEM_ECHO_LEN;

	(void)lane_seal(lane, lane->env->scratch,
	    item_put_echo(lane->env->scratch, len, 0,
		size_id(lane, datagram_len, at), at));
}

static void
publish_suspect(struct lane *lane)
{
	relaxed_store(&lane->is_suspect,
	    lane_liveness_is_suspect(&lane->liveness));
}

static void
publish_path_mtu(struct lane *lane)
{
	relaxed_store(&lane->path_mtu,
	    (uint32_t)(lane->pmtu.current + outer_headers(lane)));
}
