/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame from a LAN: nobody else's is taken for a probe of ours, and ours with
 * anything changed that counts is not either.
 */
#include "fuzz.h"

#include "base/wire.h"
#include "datapath/switch/loop_probe.h"

#define SIGNED_END 56 /* what counts; behind it is padding */

static void
change_ours(const struct loop_probe_id *id, const uint8_t *data, size_t size)
{
	static const uint8_t src[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t		     frame[LOOP_PROBE_LEN], changed[LOOP_PROBE_LEN];
	struct loop_probe     probe;

	if (size < 10)
		return;
	loop_probe_encode(id, frame, src, wire_read_u16(data),
	    wire_read_u64(data + 2));
	FUZZ_CHECK(loop_probe_is(frame, sizeof(frame)));
	FUZZ_CHECK(loop_probe_decode(id, frame, sizeof(frame), &probe));
	FUZZ_CHECK(probe.port == wire_read_u16(data));
	FUZZ_CHECK(probe.nonce == wire_read_u64(data + 2));
	FUZZ_CHECK(probe.hub == id->hub && probe.rank == id->rank);

	memcpy(changed, frame, sizeof(changed));
	for (size_t i = 10; i + 1 < size; i += 2)
		changed[data[i] % LOOP_PROBE_LEN] ^= data[i + 1];
	if (memcmp(frame, changed, 6) != 0 ||
	    memcmp(frame + 12, changed + 12, SIGNED_END - 12) != 0)
		FUZZ_CHECK(!loop_probe_decode(id, changed, sizeof(changed),
		    &probe));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Two, or the fuzzer would copy what it saw us sign. */
	struct loop_probe_id strict = { .key = { 1, 2, 3 }, .hub = 0 };
	struct loop_probe_id ours = { .key = { 4, 5, 6 }, .hub = 7,
		.rank = 8 };
	struct loop_probe    probe;

	/* Nobody guesses 128 bits: an input that does is a defect of ours. */
	FUZZ_CHECK(!loop_probe_decode(&strict, data, size, &probe));
	(void)loop_probe_is(data, size);
	change_ours(&ours, data, size);
	return 0;
}
