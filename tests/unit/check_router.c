/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets through the router of a server's worker that has no thread: three
 * sites and the device.  What passes, and with which bytes.
 */
#include "datapath/router.h"

#include <stdlib.h>

#include "datapath/offload/csum.h"
#include "datapath/forward.h"
#include "datapath/worker.h"
#include "packets.h"

#define NSITES 3

static struct ev_loop *loop;
static struct mailbox  control;
static struct packet   packet;
static unsigned	       ntold; /* of bad sources */

/* Where a packet went: a port, or nowhere. */
static struct {
	uint16_t port;
	uint8_t	 bytes[PACKETS_MAX];
	size_t	 len;
} went;

struct rig {
	struct dp	dp;
	struct worker  *worker;
	struct lane_set none;
};

/* Of sites 2, 3, 4: which networks. */
static const struct {
	const char *prefix;
	uint16_t    port;
} networks[] = {
	{ "10.1.0.0/16", 2 },
	{ "172.16.0.0/12", 2 },
	{ "fd00:2::/32", 2 },
	{ "fd00:0:100::/48", 2 },
	{ "10.0.1.0/24", 3 },
	{ "fd00::/64", 3 },
};

/* With a whole checksum, as whoever gets it completes it. */
static void
leaves_by(uint16_t port, const struct frame *frame)
{
	went.port = port;
	went.len = frame->len;
	memcpy(went.bytes, frame->data, frame->len);
	if ((frame->flags & FRAME_CSUM) != 0)
		csum_complete(went.bytes, went.len, frame->csum_start,
		    frame->csum_offset);
}

static void
on_letter(void *arg, struct letter *letter)
{
	struct tcp_batch *batch = container_of(letter, struct tcp_batch,
	    letter);
	struct item    item;
	size_t	       pos = 0;

	if (letter->kind == CONTROL_BAD_SOURCE) {
		ntold++;
		atomic_store(&container_of(letter, struct port,
		    bad_source)->bad_source_posted, false);
		return;
	}
	ck_assert(item_next(batch->data, batch->len, &pos, &item));
	leaves_by(batch->port->id,
	    &(struct frame) { .data = item.data, .len = item.len,
		.flags = item.flags, .csum_start = item.csum_start,
		.csum_offset = item.csum_offset });
	tcp_batch_done(batch);
}

static void
setup(struct rig *rig, enum dp_mode mode)
{
	struct lpm *lpm = lpm_new();

	*rig = (struct rig) { .dp = { .mode = mode, .control = &control,
				  .max_outer = 1500 } };
	loop = ev_loop_new(0);
	mailbox_open(&control, loop, on_letter, NULL);
	rig->dp.fdb = fdb_new(64, 64, 300);
	rig->worker = calloc(1, sizeof(*rig->worker));
	ck_assert(rig->dp.fdb != NULL && rig->worker != NULL && lpm != NULL);
	rig->worker->dp = &rig->dp;
	rig->worker->now = (struct mono) { 1000 * MONO_SEC };
	TAILQ_INIT(&rig->worker->sites);
	merge_init(&rig->worker->device_out, mode == DP_TAP, 0);
	bridge_init(&rig->worker->bridge, rig->dp.fdb, rig->worker->ports,
	    rig->dp.blocked);
	for (uint16_t i = 0; i <= NSITES; i++) {
		struct port *port = port_new((uint16_t)(1 + i), 7 + i);

		rig->worker->ports[port->id] = port;
		if (i == 0) {
			rig->worker->local = port;
			continue;
		}
		port->set = &rig->none;
		port->may_tcp = true;
		TAILQ_INSERT_TAIL(&rig->worker->sites, port, entry);
	}
	for (size_t i = 0; i < nitems(networks); i++) {
		struct prefix prefix;

		ck_assert(prefix_parse(&prefix, networks[i].prefix));
		ck_assert(lpm_add(lpm, &prefix, networks[i].port));
	}
	rig->worker->routes = router_table_new(lpm, 1);
}

static void
teardown(struct rig *rig)
{
	for (uint16_t i = 0; i <= NSITES; i++) {
		rig->worker->ports[1 + i]->set = NULL;
		port_free(rig->worker->ports[1 + i]);
	}
	router_table_put(rig->worker->routes);
	tcp_batch_pool_fini(&rig->worker->batches_out);
	mailbox_close(&control);
	ev_loop_destroy(loop);
	fdb_free(rig->dp.fdb);
	free(rig->worker);
}

/* `packet`, from port `from`; the drop, and what came out is in `went`. */
static enum drop
forward(struct rig *rig, uint16_t from)
{
	struct port *port = rig->worker->ports[from];
	struct merge *out = &rig->worker->device_out;
	uint64_t      before[DROP_MAX];

	for (unsigned i = 0; i < DROP_MAX; i++)
		before[i] = port->counters.drops[i];
	went.port = 0;
	forward_frame(rig->worker, port, &packet.frame);
	tcp_batch_flush(rig->worker);
	ev_run(loop, EVRUN_NOWAIT);
	if (out->n > 0)
		leaves_by(DP_PORT_LOCAL, &out->frames[0]);
	merge_init(out, rig->dp.mode == DP_TAP, 0);
	for (unsigned i = 0; i < DROP_MAX; i++) {
		if (port->counters.drops[i] != before[i])
			return i;
	}
	return DROP_NONE;
}

/* ------------------------------------------------------ partial checksums */

/* From site 2 to site 3. */
static struct packet_spec
from_site(unsigned version, uint8_t protocol)
{
	struct packet_spec s = packet_tcp4;

	s.bare = true;
	s.net = 1;
	s.version = version;
	s.protocol = protocol;
	s.payload = packet_noise();
	s.len = 64;
	return s;
}

/* Whatever it is completed to, what was looked at is what goes out. */
static void
check_partial(struct rig *rig, const struct packet_spec *s, bool fits)
{
	static struct packet before;
	enum drop	     drop;

	before = packet;
	drop = forward(rig, 2);
	if (fits)
		ck_assert_uint_eq(drop, DROP_NONE);
	if (went.port == 0) {
		ck_assert_uint_eq(drop, DROP_BAD_FRAME);
		return;
	}
	/* Headers as they were: nothing but the checksum is another one. */
	ck_assert_uint_eq(went.len, before.frame.len);
	for (size_t i = 0; i < before.data; i++) {
		size_t field = before.l4 + packet_checksum_offset(s->protocol);

		ck_assert_msg(went.bytes[i] == before.bytes[i] ||
			(fits && (i == field || i == field + 1)),
		    "start %u, offset %u: byte %zu changed",
		    before.frame.csum_start, before.frame.csum_offset, i);
	}
}

static void
every_place(struct rig *rig, struct packet_spec s)
{
	struct packet_spec whole = s;

	for (unsigned start = 0; start < 120; start++) {
		for (unsigned offset = 0; offset < 20; offset++) {
			s.partial = true;
			packet_make(&packet, &s);
			packet.frame.csum_start = (uint16_t)start;
			packet.frame.csum_offset = (uint8_t)offset;
			/* item_next() and tap.c look at that. */
			if (start + offset + 2 > packet.frame.len)
				continue;
			check_partial(rig, &s,
			    start == packet.l4 && offset ==
				packet_checksum_offset(s.protocol));
		}
	}
	/* Where it was right it is the checksum that was left out. */
	s.partial = true;
	packet_make(&packet, &s);
	ck_assert_uint_eq(forward(rig, 2), DROP_NONE);
	packet_make(&packet, &whole);
	ck_assert_mem_eq(went.bytes, packet.bytes, went.len);
}

START_TEST(partial_checksum_changes_nothing_that_was_checked)
{
	static struct rig rig;

	setup(&rig, DP_TUN);
	for (unsigned version = 4; version <= 6; version += 2) {
		struct packet_spec s = from_site(version, PACKETS_UDP);

		every_place(&rig, s);
		s.ip_options = 8;
		every_place(&rig, s);
		s.protocol = PACKETS_TCP;
		s.tcp_options = 12;
		every_place(&rig, s);
	}
	teardown(&rig);
}
END_TEST

/* What the device gives as one goes to a site as many, or nowhere. */
START_TEST(a_superframe_counts_as_what_it_is_cut_into)
{
	static struct rig   rig;
	struct packet_spec  s = from_site(4, PACKETS_TCP);
	struct port	   *device, *site;
	struct counters	    in = { 0 }, out = { 0 };

	setup(&rig, DP_TUN);
	device = rig.worker->ports[DP_PORT_LOCAL];
	site = rig.worker->ports[3];
	s.len = 10 * 1000 + 1;
	packet_make_super(&packet, &s, 1000);
	ck_assert_uint_eq(forward(&rig, DP_PORT_LOCAL), DROP_NONE);
	counters_add_live(&in, &device->counters);
	counters_add_live(&out, &site->counters);
	ck_assert_uint_eq(in.rx_frames, 11);
	ck_assert_uint_eq(out.tx_frames, 11);
	ck_assert_uint_eq(in.rx_bytes, s.len + 11 * (packet.frame.len - s.len));
	ck_assert_uint_eq(out.tx_bytes, in.rx_bytes);

	/* Of 10.9.0.0, which is no site's. */
	packet_put(packet.frame.data + 16, 0x0a090001, 4);
	ck_assert_uint_eq(forward(&rig, DP_PORT_LOCAL), DROP_NO_ROUTE);
	ck_assert_uint_eq(device->counters.drops[DROP_NO_ROUTE], 11);
	ck_assert_uint_eq(device->counters.rx_frames, 22);
	teardown(&rig);
}
END_TEST

START_TEST(partial_checksum_behind_tags_is_found)
{
	static struct rig rig;

	setup(&rig, DP_TAP);
	for (unsigned tags = 0; tags < 3; tags++) {
		struct packet_spec s = from_site(6, PACKETS_TCP);

		s.bare = false;
		s.tags = tags;
		/* Flooded: whole at the device, partial to the sites. */
		every_place(&rig, s);
	}
	teardown(&rig);
}
END_TEST

START_TEST(partial_checksum_of_a_fragment_is_none)
{
	static struct rig  rig;
	struct packet_spec s = from_site(4, PACKETS_UDP);

	setup(&rig, DP_TUN);
	s.partial = true;
	packet_make(&packet, &s);
	packet.bytes[6] = 0x20; /* more fragments */
	ck_assert_uint_eq(forward(&rig, 2), DROP_BAD_FRAME);
	packet_make(&packet, &s);
	packet.bytes[7] = 1; /* a later one */
	packet.frame.csum_start = 60;
	ck_assert_uint_eq(forward(&rig, 2), DROP_BAD_FRAME);
	teardown(&rig);
}
END_TEST

/* VXLAN, of the device and of a site whose daemon is older. */
START_TEST(checksum_of_a_packet_in_a_packet_is_completed)
{
	static struct rig  rig;
	static uint8_t	   inner[8 + 14 + 20 + 8 + 32];
	struct packet_spec s = from_site(4, PACKETS_UDP);
	struct packet_spec in = from_site(4, PACKETS_UDP);
	size_t		   at;

	setup(&rig, DP_TUN);
	in.bare = false;
	in.len = 32;
	packet_make(&packet, &in);
	at = packet.l4;
	memcpy(inner + 8, packet.bytes, packet.frame.len);
	in.partial = true;
	for (unsigned from = 1; from <= 2; from++) {
		uint8_t want[sizeof(inner)];

		memcpy(want, inner, sizeof(want));
		packet_make(&packet, &in);
		memcpy(inner + 8, packet.bytes, packet.frame.len);
		s.payload = inner;
		s.len = sizeof(inner);
		s.dport = 4789;
		s.no_checksum = true;
		packet_make(&packet, &s);
		packet.frame.flags = FRAME_CSUM;
		packet.frame.csum_start = (uint16_t)(28 + 8 + at);
		packet.frame.csum_offset = 6;
		ck_assert_uint_eq(forward(&rig, (uint16_t)from), DROP_NONE);
		ck_assert_uint_eq(went.port, 3);
		ck_assert_mem_eq(went.bytes + 28, want, sizeof(want));
		ck_assert_uint_eq(packet.frame.flags, 0);
		memcpy(inner, want, sizeof(want));
	}
	teardown(&rig);
}
END_TEST

/* ---------------------------------------------------------- ICMP errors */

struct error {
	const char *what, *src, *dst, *quoted_src, *quoted_dst;
	int	    type, protocol; /* -1: the usual ones */
	uint16_t    flags; /* of fragments */
	size_t	    len;   /* of what is quoted; 0: all */
	bool	    passes;
};

static size_t
put_ip(uint8_t *p, const char *src, const char *dst, uint8_t protocol,
    size_t payload, uint16_t flags)
{
	struct addr a, b;
	size_t	    len, at;

	ck_assert(addr_parse(&a, src) && addr_parse(&b, dst));
	len = a.family == AF_INET ? 4 : 16;
	at = len == 4 ? 12 : 8;
	memset(p, 0, 40);
	if (len == 4) {
		p[0] = 0x45;
		packet_put(p + 2, (uint32_t)(20 + payload), 2);
		packet_put(p + 6, flags, 2);
		p[9] = protocol;
	} else {
		p[0] = 0x60;
		packet_put(p + 4, (uint32_t)payload, 2);
		p[6] = protocol;
	}
	memcpy(p + at, a.bytes, len);
	memcpy(p + at + len, b.bytes, len);
	return at + 2 * len;
}

static void
make_error(const struct error *e)
{
	bool	v6 = strchr(e->src, ':') != NULL;
	uint8_t quoted[48];
	size_t	n = put_ip(quoted, e->quoted_src, e->quoted_dst, 6, 100, 0) + 8;
	size_t	at;

	memset(quoted + n - 8, 0, 8);
	if (e->len != 0)
		n = e->len;
	at = put_ip(packet.bytes, e->src, e->dst,
	    (uint8_t)(e->protocol >= 0 ? e->protocol : v6 ? 58 : 1), 8 + n,
	    e->flags);
	memset(packet.bytes + at, 0, 8);
	packet.bytes[at] = (uint8_t)(e->type >= 0 ? e->type : v6 ? 2 : 3);
	memcpy(packet.bytes + at + 8, quoted, n);
	packet.frame = (struct frame) { .data = packet.bytes,
		.len = at + 8 + n };
}

/* Site 2 has 10.1/16, 172.16/12 and fd00:2::/32; site 3 10.0.1/24 and fd00::/64. */
static const struct error errors[] = {
	{ "too large, of a router there", "198.51.100.2", "10.0.1.5", "10.0.1.5",
	    "10.1.2.3", -1, -1, 0, 0, true },
	{ "too large, to the device's networks", "198.51.100.2", "192.0.2.5",
	    "192.0.2.5", "10.1.2.3", -1, -1, 0, 0, true },
	{ "time exceeded", "198.51.100.2", "10.0.1.5", "10.0.1.5", "172.16.2.3",
	    11, -1, 0, 0, true },
	{ "IPv6", "2001:db8::2", "fd00::5", "fd00::5", "fd00:2:1::9", -1, -1, 0,
	    0, true },
	{ "IPv6, time exceeded", "2001:db8::2", "fd00::5", "fd00::5",
	    "fd00:2:1::9", 3, -1, 0, 0, true },
	{ "no more than the header of it", "198.51.100.2", "10.0.1.5",
	    "10.0.1.5", "10.1.2.3", -1, -1, 0, 20, true },
	{ "less", "198.51.100.2", "10.0.1.5", "10.0.1.5", "10.1.2.3", -1, -1, 0,
	    19, false },
	{ "less, IPv6", "2001:db8::2", "fd00::5", "fd00::5", "fd00:2:1::9", -1,
	    -1, 0, 39, false },
	{ "a flow of another site's", "198.51.100.2", "10.1.2.3", "10.1.2.3",
	    "10.0.1.5", -1, -1, 0, 0, false },
	{ "a flow of two others", "198.51.100.2", "192.0.2.5", "192.0.2.5",
	    "10.0.1.5", -1, -1, 0, 0, false },
	{ "a flow of nobody's", "198.51.100.2", "10.0.1.5", "10.0.1.5",
	    "203.0.113.1", -1, -1, 0, 0, false },
	{ "IPv6, a flow of another site's", "2001:db8::2", "2001:db8::9",
	    "2001:db8::9", "fd00::5", -1, -1, 0, 0, false },
	{ "to somebody who did not send it", "198.51.100.2", "10.0.1.5",
	    "10.0.1.6", "10.1.2.3", -1, -1, 0, 0, false },
	{ "a packet of its own", "198.51.100.2", "10.0.1.5", "10.1.2.3",
	    "10.0.1.5", -1, -1, 0, 0, false },
	{ "a redirect", "198.51.100.2", "10.0.1.5", "10.0.1.5", "10.1.2.3", 5,
	    -1, 0, 0, false },
	{ "an echo", "198.51.100.2", "10.0.1.5", "10.0.1.5", "10.1.2.3", 8, -1,
	    0, 0, false },
	{ "IPv6, a redirect", "2001:db8::2", "fd00::5", "fd00::5",
	    "fd00:2:1::9", 137, -1, 0, 0, false },
	{ "UDP", "198.51.100.2", "10.0.1.5", "10.0.1.5", "10.1.2.3", -1, 17, 0, 0,
	    false },
	{ "ICMPv6 in IPv4", "198.51.100.2", "10.0.1.5", "10.0.1.5", "10.1.2.3",
	    3, 58, 0, 0, false },
	{ "a fragment", "198.51.100.2", "10.0.1.5", "10.0.1.5", "10.1.2.3", -1,
	    -1, 0x2000, 0, false },
	{ "of a group", "224.0.0.5", "10.0.1.5", "10.0.1.5", "10.1.2.3", -1, -1,
	    0, 0, false },
	{ "of nobody", "0.0.0.0", "10.0.1.5", "10.0.1.5", "10.1.2.3", -1, -1, 0, 0,
	    false },
	{ "of another site", "10.0.1.1", "10.0.1.5", "10.0.1.5", "10.1.2.3", -1,
	    -1, 0, 0, false },
	{ "of another site, to the device's networks", "10.0.1.77", "192.0.2.5",
	    "192.0.2.5", "172.16.2.3", 11, -1, 0, 0, false },
	{ "IPv6, of another site", "fd00::1", "fd00::5", "fd00::5",
	    "fd00:2:1::9", -1, -1, 0, 0, false },
	{ "of the link", "fe80::1", "fd00::5", "fd00::5", "fd00:2:1::9", -1, -1,
	    0, 0, false },
};

START_TEST(errors_about_what_was_for_the_site_pass)
{
	static struct rig rig;

	setup(&rig, DP_TUN);
	for (size_t i = 0; i < nitems(errors); i++) {
		enum drop drop;

		make_error(&errors[i]);
		drop = forward(&rig, 2);
		ck_assert_msg(drop ==
			(errors[i].passes ? DROP_NONE : DROP_BAD_SOURCE),
		    "%s: %s", errors[i].what,
		    drop == DROP_NONE ? "passes" : drop_name(drop));
	}
	/* Site 3 is not asked about what was for site 2. */
	make_error(&errors[0]);
	ck_assert_uint_eq(forward(&rig, 3), DROP_BAD_SOURCE);
	teardown(&rig);
}
END_TEST

START_TEST(errors_pass_at_a_rate)
{
	static struct rig rig;
	unsigned	  passed = 0;

	setup(&rig, DP_TUN);
	for (unsigned ms = 0; ms < 10000; ms++) {
		rig.worker->now = mono_add(rig.worker->now, MONO_MS);
		make_error(&errors[0]);
		passed += forward(&rig, 2) == DROP_NONE;
	}
	ck_assert_uint_ge(passed, 500);
	ck_assert_uint_le(passed, 560);
	teardown(&rig);
}
END_TEST

START_TEST(a_bad_source_is_told_now_and_then)
{
	static struct rig rig;

	setup(&rig, DP_TUN);
	ntold = 0;
	for (unsigned sec = 0; sec < 170; sec++) {
		rig.worker->now = mono_add(rig.worker->now, MONO_SEC);
		make_error(&errors[8]);
		ck_assert_uint_eq(forward(&rig, 2), DROP_BAD_SOURCE);
	}
	ck_assert_uint_eq(ntold, 3);
	teardown(&rig);
}
END_TEST

/* --------------------------------------------------------------- hairpins */

static enum drop
send_packet(struct rig *rig, uint16_t from, const char *src, const char *dst)
{
	size_t len = put_ip(packet.bytes, src, dst, 17, 8, 0);

	memset(packet.bytes + len, 0, 8);
	packet.frame = (struct frame) { .data = packet.bytes, .len = len + 8 };
	return forward(rig, from);
}

/* The kernel may know better; what it sends back was for the site after all. */
START_TEST(what_is_for_its_own_site_is_turned_once)
{
	static const char *const ways[][2] = {
		{ "172.16.1.1", "172.16.11.6" },
		{ "10.1.0.1", "172.31.255.1" },
		{ "fd00:2::1", "fd00:2:11::6" },
	};
	static struct rig rig;

	setup(&rig, DP_TUN);
	for (size_t i = 0; i < nitems(ways); i++) {
		const char *src = ways[i][0], *dst = ways[i][1];

		for (unsigned n = 0; n < 3; n++) {
			ck_assert_uint_eq(send_packet(&rig, 2, src, dst),
			    DROP_NONE);
			ck_assert_uint_eq(went.port, DP_PORT_LOCAL);
			ck_assert_uint_eq(send_packet(&rig, 1, src, dst),
			    DROP_HAIRPIN);
		}
		/* A LAN here, within the site's network: its hosts' own. */
		ck_assert_uint_eq(send_packet(&rig, 1, dst, src), DROP_NONE);
		ck_assert_uint_eq(went.port, 2);
		/* Where it was is where it may be again. */
		rig.worker->now = mono_add(rig.worker->now, 4 * MONO_SEC);
		ck_assert_uint_eq(send_packet(&rig, 1, src, dst), DROP_NONE);
		ck_assert_uint_eq(went.port, 2);
	}
	/* To another site, and of another. */
	ck_assert_uint_eq(send_packet(&rig, 2, "172.16.1.1", "10.0.1.5"),
	    DROP_NONE);
	ck_assert_uint_eq(went.port, 3);
	ck_assert_uint_eq(send_packet(&rig, 3, "172.16.1.1", "172.16.11.6"),
	    DROP_BAD_SOURCE);
	teardown(&rig);
}
END_TEST

UNIT_MAIN("router", a_superframe_counts_as_what_it_is_cut_into,
    partial_checksum_changes_nothing_that_was_checked,
    partial_checksum_behind_tags_is_found,
    partial_checksum_of_a_fragment_is_none,
    checksum_of_a_packet_in_a_packet_is_completed,
    errors_about_what_was_for_the_site_pass, errors_pass_at_a_rate,
    a_bad_source_is_told_now_and_then,
    what_is_for_its_own_site_is_turned_once)
