/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_lookup: what a resolver, were it somebody else's, says to the monitor.
 *
 * First byte: bit 0, that it was asked; bit 1, that the answer has the right id,
 * bit 2, the right type.  Then the answer.
 */
#include "fuzz.h"

#include "monitor/serve/lookup.c"

static unsigned answers, nonsense;

static void
on_fuzz_done(void *arg, uint32_t id, const struct endpoint *list, unsigned n)
{
	FUZZ_CHECK(id == 7);
	FUZZ_CHECK(n <= REQUEST_MAX_ENDPOINTS);
	for (unsigned i = 0; i < n; i++)
		FUZZ_CHECK(list[i].sa.sa_family == AF_INET ||
		    list[i].sa.sa_family == AF_INET6);
	answers++;
}

static void
on_fuzz_nonsense(void *arg)
{
	nonsense++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lookup lookup = {
		.names = { { .host = "vpn.example.org", .port = 55555 } },
		.resolver = { .fd = -1 }, .done = on_fuzz_done,
		.on_nonsense = on_fuzz_nonsense };
	struct lookup_name *name = &lookup.names[0];
	struct chan_msg msg = { .type = REQUEST_LOOKUP, .id = 1 };

	if (size == 0 || size > CHAN_MAX_PAYLOAD)
		return 0;
	answers = nonsense = 0;
	lookup.resolver.arg = &lookup;
	ev_timer_init(&lookup.timer, on_timeout, LOOKUP_TIMEOUT_SEC, 0.);
	lookup.timer.data = &lookup;
	lookup.loop = ev_default_loop(0);
	if ((data[0] & 1) != 0) {
		name->request = 1;
		lookup.waiting[lookup.nwaiting].id = 7;
		lookup.waiting[lookup.nwaiting++].name = name;
	}
	if ((data[0] & 2) == 0)
		msg.id = 2;
	if ((data[0] & 4) == 0)
		msg.type = REQUEST_CONNECT;
	msg.data = (uint8_t *)(uintptr_t)data + 1;
	msg.len = size - 1;
	on_resolver_msg(&lookup.resolver, &msg);
	FUZZ_CHECK(nonsense == 0 || name->n == 0);
	FUZZ_CHECK(name->request == 0 && lookup.nwaiting == 0);
	FUZZ_CHECK(answers == (data[0] & 1));
	return 0;
}
