/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/router.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/hmac.h>

#include "base/relaxed.h"
#include "base/wire.h"
#include "datapath/worker.h"

#define IPV4_HEADER_LEN 20
#define IPV6_HEADER_LEN 40

/* The source address in an IP header; the destination follows it. */
#define SRC_AT(version)	  ((version) == 4 ? 12u : 8u)
#define ADDR_LEN(version) ((version) == 4 ? 4u : 16u)

#define ICMP_LEN	 8
#define ICMP_ERROR_BURST 50 /* per site */
#define ICMP_ERROR_US	 (20 * MONO_MS) /* interval after the burst */
#define TOLD_US		 (60 * MONO_SEC) /* between log lines about a site's sources */
#define TURNED_SEC	 2 /* a packet that was turned may take */

static int version_of(const struct frame *packet);
static struct port *hub_of(const struct worker *worker);
static size_t header_len(int version);
static uint16_t lookup(const struct worker *worker, const uint8_t *addr,
    int version);
static bool is_error_for_sender(struct worker *worker, struct port *from,
    const struct frame *packet, int version);
static bool is_icmp_error(const uint8_t *ip, size_t l4, int version);
static struct addr source_of(const uint8_t *ip, int version);
static void tell_bad_source(struct worker *worker, struct port *from,
    const uint8_t *ip, int version);
static void turn(struct worker *worker, const uint8_t *ip, int version);
static bool was_turned(const struct worker *worker, const uint8_t *ip,
    int version);
static uint64_t turned_tag(const struct worker *worker, const uint8_t *ip,
    int version);

struct router_table *
router_table_new(struct lpm *lpm, int users)
{
	struct router_table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		lpm_free(lpm);
		return NULL;
	}
	table->lpm = lpm;
	atomic_init(&table->users, users);
	for (size_t i = 0; i < DP_MAX_WORKERS; i++)
		table->letters[i].kind = WORKER_ROUTES;
	return table;
}

void
router_table_put(struct router_table *table)
{
	if (table == NULL || atomic_fetch_sub(&table->users, 1) > 1)
		return;
	lpm_free(table->lpm);
	free(table);
}

enum drop
router_choose(struct worker *worker, struct port *from,
    const struct frame *packet, struct port **to)
{
	bool	 local = from == worker->local;
	int	 version = version_of(packet);
	unsigned src = SRC_AT(version);
	const uint8_t *ip = packet->data;
	uint16_t id;

	if (version == 0)
		return DROP_BAD_FRAME;
	if (!local && !from->leads && lookup(worker, ip + src, version) != from->id &&
	    !is_error_for_sender(worker, from, packet, version)) {
		tell_bad_source(worker, from, ip, version);
		return DROP_BAD_SOURCE;
	}
	id = lookup(worker, ip + src + ADDR_LEN(version), version);
	if (id == 0) { /* not a site's: for this host, or for the hub */
		*to = local ? hub_of(worker) : worker->local;
		if (*to != NULL)
			return DROP_NONE;
		return worker->routes != NULL ? DROP_NO_ROUTE : DROP_NO_LANE;
	}
	*to = worker->local;
	if (id == from->id) {
		turn(worker, ip, version);
		return DROP_NONE;
	}
	if (local && was_turned(worker, ip, version))
		return DROP_HAIRPIN;
	*to = worker->ports[id];
	return *to == NULL ? DROP_NO_LANE : DROP_NONE;
}

/* 4, 6, or 0 if it is neither, or truncated. */
static int
version_of(const struct frame *packet)
{
	int version = packet->len > 0 ? packet->data[0] >> 4 : 0;

	return (version == 4 || version == 6) &&
		packet->len >= header_len(version) ?
	    version :
	    0;
}

static size_t
header_len(int version)
{
	return version == 4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN;
}

/* The port of the newest session with a hub; NULL: there is none. */
static struct port *
hub_of(const struct worker *worker)
{
	struct port *first = TAILQ_FIRST(&worker->sites);

	return first != NULL && first->leads ? first : NULL;
}

static uint16_t
lookup(const struct worker *worker, const uint8_t *addr, int version)
{
	if (worker->routes == NULL)
		return 0;
	return version == 4 ? lpm_lookup4(worker->routes->lpm, addr) :
			      lpm_lookup6(worker->routes->lpm, addr);
}

/*
 * A router within a site may have an address outside the site's networks and
 * report that a packet is too large.  Without that report a TCP connection
 * hangs.  So an ICMP error is accepted from any other source, if the packet
 * that it quotes was for this site and the error goes to that packet's sender.
 */
static bool
is_error_for_sender(struct worker *worker, struct port *from,
    const struct frame *packet, int version)
{
	const uint8_t *ip = packet->data, *quote;
	size_t	       src = SRC_AT(version), len = ADDR_LEN(version);
	size_t	       l4 = version == 4 ? (size_t)(ip[0] & 0x0f) * 4 :
					   IPV6_HEADER_LEN;
	struct addr    source = source_of(ip, version);

	if (l4 < header_len(version) ||
	    packet->len < l4 + ICMP_LEN + header_len(version) ||
	    !is_icmp_error(ip, l4, version) || !addr_is_global(&source) ||
	    lookup(worker, ip + src, version) != 0)
		return false;
	quote = ip + l4 + ICMP_LEN;
	return quote[0] >> 4 == version &&
	    memcmp(quote + src, ip + src + len, len) == 0 &&
	    lookup(worker, quote + src + len, version) == from->id &&
	    bucket_take(&from->icmp_errors, ICMP_ERROR_BURST, ICMP_ERROR_US,
		worker->now);
}

/* Unreachable, too big, time exceeded, parameter problem; not redirect. */
static bool
is_icmp_error(const uint8_t *ip, size_t l4, int version)
{
	uint8_t type = ip[l4];

	if (version == 6)
		return ip[6] == IPPROTO_ICMPV6 && type >= 1 && type <= 4;
	return ip[9] == IPPROTO_ICMP && (wire_read_u16(ip + 6) & 0x3fff) == 0 &&
	    (type == 3 || type == 11 || type == 12);
}

static struct addr
source_of(const uint8_t *ip, int version)
{
	struct addr addr = { .family = version == 4 ? AF_INET : AF_INET6 };

	memcpy(addr.bytes, ip + SRC_AT(version), ADDR_LEN(version));
	return addr;
}

/* Control logs it: it knows the site's name. */
static void
tell_bad_source(struct worker *worker, struct port *from, const uint8_t *ip,
    int version)
{
	struct addr source = source_of(ip, version);

	if (!mono_is_due(from->bad_source_next, worker->now) ||
	    !addr_is_global(&source) ||
	    atomic_exchange(&from->bad_source_posted, true))
		return;
	from->bad_source_next = mono_add(worker->now, TOLD_US);
	from->bad_source_addr = source;
	from->bad_source.kind = CONTROL_BAD_SOURCE;
	mailbox_post(worker->dp->control, &from->bad_source);
}

/*
 * A packet addressed to the site that it came from goes to the kernel, which
 * may have a longer prefix, such as that of a LAN here.  Without one the kernel
 * sends it back to us; it is recorded here so that it is dropped then.
 */
static void
turn(struct worker *worker, const uint8_t *ip, int version)
{
	struct dp *dp = worker->dp;
	uint64_t   tag = turned_tag(worker, ip, version);
	uint64_t   sec = (uint64_t)(worker->now.us / MONO_SEC);

	relaxed_store(&dp->turned[tag % DP_TURNED], tag << 16 | (sec & 0xffff));
	relaxed_store(&dp->turned_us, worker->now.us);
}

static bool
was_turned(const struct worker *worker, const uint8_t *ip, int version)
{
	struct dp *dp = worker->dp;
	int64_t	   since = worker->now.us - relaxed_load(&dp->turned_us);
	uint64_t   tag, found, sec = (uint64_t)(worker->now.us / MONO_SEC);

	if (since > TURNED_SEC * MONO_SEC)
		return false;
	tag = turned_tag(worker, ip, version);
	found = relaxed_load(&dp->turned[tag % DP_TURNED]);
	return found >> 16 == (tag << 16) >> 16 &&
	    (uint16_t)(sec - found) <= TURNED_SEC;
}

/*
 * A hash of both addresses; keyed, so that no site can find a packet with the
 * hash of another site's.
 */
static uint64_t
turned_tag(const struct worker *worker, const uint8_t *ip, int version)
{
	struct hmac_sha256_ctx hmac;
	uint64_t	       tag;

	hmac_sha256_set_key(&hmac, LOOP_PROBE_KEY_LEN,
	    worker->dp->probe_id.key);
	hmac_sha256_update(&hmac, 2 * ADDR_LEN(version), ip + SRC_AT(version));
	hmac_sha256_digest(&hmac, sizeof(tag), (uint8_t *)&tag);
	return tag;
}
