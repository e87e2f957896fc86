/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams at a worker, the second of two, that has no thread: where each ends
 * that does not come to a lane at work, and where that is counted.
 */
#include "datapath/receive.h"

#include <stdlib.h>

#include "base/wire.h"
#include "datapath/worker.h"
#include "unit.h"

#define SESSION 7
#define LANE	3 /* the worker's; phase 0 */

static const struct {
	const char *what;
	uint32_t    session;
	uint8_t	    phase, lane;
	size_t	    len;
	enum drop   drop;
	bool	    at_site;
} datagrams[] = {
	{ "cut short", SESSION, 0, LANE, 16, DROP_MALFORMED, false },
	{ "not one record", SESSION, 0, LANE, 41, DROP_MALFORMED, false },
	{ "a lane that cannot be", SESSION, 0, LANE_MAX + 1, 40,
	    DROP_MALFORMED, false },
	{ "nobody's session", SESSION + 1, 0, LANE, 40, DROP_NO_SESSION,
	    false },
	{ "nobody's session, and the other worker's lane", SESSION + 1, 0,
	    LANE - 1, 40, DROP_NO_SESSION, false },
	{ "the other worker's lane", SESSION, 0, LANE - 1, 40,
	    DROP_WRONG_WORKER, true },
	{ "the other worker's lane, and another phase", SESSION, 1, 0, 40,
	    DROP_WRONG_WORKER, true },
	{ "a lane that the session does not have", SESSION, 0, LANE + 2, 40,
	    DROP_NO_KEY, true },
	{ "another phase", SESSION, 1, LANE, 40, DROP_NO_KEY, true },
	{ "before its keys", SESSION, 0, LANE, 40, DROP_NO_KEY, true },
};

static uint64_t
count(const struct port *port)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_MAX; i++)
		n += port->counters.drops[i];
	return n;
}

START_TEST(what_is_no_lanes_is_dropped_by_its_name)
{
	static struct dp dp = { .nworkers = 2 };
	struct worker  *worker = calloc(1, sizeof(*worker));
	struct port    *site = port_new(2, SESSION);
	struct udp_path path = { .fd = -1 };

	ck_assert(worker != NULL && site != NULL);
	worker->dp = &dp;
	worker->index = LANE % 2;
	worker->local = port_new(DP_PORT_LOCAL, 0);
	site->set = lane_set_new(site, 0, 1);
	ck_assert(worker->local != NULL && site->set != NULL);
	site->set->lanes[0].number = LANE;
	session_table_add(&worker->lanes, site);

	for (size_t i = 0; i < nitems(datagrams); i++) {
		uint8_t		    data[64] = { 0 };
		struct udp_datagram dgram = { .data = data,
			.len = datagrams[i].len, .path = &path };
		struct port *at = datagrams[i].at_site ? site : worker->local;
		uint64_t     all = count(site) + count(worker->local);
		uint64_t     one = at->counters.drops[datagrams[i].drop];

		lane_header_write(data, datagrams[i].phase, datagrams[i].lane,
		    datagrams[i].session);
		data[LANE_HEADER_LEN] = LANE_TYPE_DATA;
		wire_write_u16(data + 5, LANE_DTLS12_VERSION);
		wire_write_u16(data + 15, 40 - LANE_HEADER_LEN -
			LANE_RECORD_HEADER_LEN);
		receive_datagram(worker, &dgram);
		ck_assert_msg(at->counters.drops[datagrams[i].drop] == one + 1,
		    "%s: not %s", datagrams[i].what,
		    drop_name(datagrams[i].drop));
		ck_assert_uint_eq(count(site) + count(worker->local), all + 1);
	}
	lane_set_free(site->set);
	port_free(site);
	port_free(worker->local);
	free(worker);
}
END_TEST

UNIT_MAIN("receive", what_is_no_lanes_is_dropped_by_its_name)
