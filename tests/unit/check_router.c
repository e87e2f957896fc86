/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets through the router of a server's worker that has no thread: three
 * sites and the device.  What passes, and with which bytes.
 */
#include "datapath/router.h"

#include <stdlib.h>

#include "datapath/csum.h"
#include "datapath/forward.h"
#include "datapath/worker.h"
#include "packets.h"

#define NSITES 3

static struct ev_loop *loop;
static struct mailbox  control;
static struct packet   packet;

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
	struct parcel *parcel = container_of(letter, struct parcel, letter);
	struct item    item;
	size_t	       pos = 0;

	(void)arg;
	ck_assert(item_next(parcel->data, parcel->len, &pos, &item));
	leaves_by(parcel->port->id,
	    &(struct frame) { .data = item.data, .len = item.len,
		.flags = item.flags, .csum_start = item.csum_start,
		.csum_offset = item.csum_offset });
	parcel_done(parcel);
}

static void
setup(struct rig *rig, enum dp_mode mode)
{
	struct lpm *lpm = lpm_new();

	*rig = (struct rig) { .dp = { .mode = mode, .control = &control,
				  .server = true, .max_outer = 1500 } };
	loop = ev_loop_new(0);
	mailbox_open(&control, loop, on_letter, NULL);
	rig->dp.fdb = fdb_new(64, 64, 300);
	rig->worker = calloc(1, sizeof(*rig->worker));
	ck_assert(rig->dp.fdb != NULL && rig->worker != NULL && lpm != NULL);
	rig->worker->dp = &rig->dp;
	rig->worker->now = (struct mono) { 1000 * MONO_SEC };
	TAILQ_INIT(&rig->worker->sites);
	merge_init(&rig->worker->device_out, mode == DP_TAP, 0);
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
	parcel_pool_fini(&rig->worker->parcels_out);
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
	parcel_flush(rig->worker);
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

UNIT_MAIN("router", partial_checksum_changes_nothing_that_was_checked,
    partial_checksum_behind_tags_is_found,
    partial_checksum_of_a_fragment_is_none,
    checksum_of_a_packet_in_a_packet_is_completed)
