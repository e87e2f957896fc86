/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame from a LAN: no stranger's is taken for a probe of ours, and ours with
 * anything changed that counts is not either.
 */
#include "fuzz.h"

#include "base/wire.h"
#include "datapath/loopprobe.h"

#define SIGNED_END 54 /* what counts; behind it is padding */

static void
change_ours(const struct loopprobe_id *id, const uint8_t *data, size_t size)
{
	static const uint8_t src[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t		     frame[LOOPPROBE_LEN], changed[LOOPPROBE_LEN];
	uint16_t	     port = 0;
	uint64_t	     nonce = 0;

	if (size < 10)
		return;
	loopprobe_encode(id, frame, src, wire_read_u16(data),
	    wire_read_u64(data + 2));
	FUZZ_CHECK(loopprobe_is(frame, sizeof(frame)));
	FUZZ_CHECK(loopprobe_decode(id, frame, sizeof(frame), &port, &nonce));
	FUZZ_CHECK(port == wire_read_u16(data));
	FUZZ_CHECK(nonce == wire_read_u64(data + 2));

	memcpy(changed, frame, sizeof(changed));
	for (size_t i = 10; i + 1 < size; i += 2)
		changed[data[i] % LOOPPROBE_LEN] ^= data[i + 1];
	if (memcmp(frame, changed, 6) != 0 ||
	    memcmp(frame + 12, changed + 12, SIGNED_END - 12) != 0)
		FUZZ_CHECK(!loopprobe_decode(id, changed, sizeof(changed),
		    &port, &nonce));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Two, or the fuzzer would copy what it saw us sign. */
	struct loopprobe_id strict = { .key = { 1, 2, 3 }, .switch_id = 0 };
	struct loopprobe_id ours = { .key = { 4, 5, 6 }, .switch_id = 7 };
	uint16_t	    port;
	uint64_t	    nonce;

	/* Nobody guesses 128 bits: an input that does is a defect of ours. */
	FUZZ_CHECK(!loopprobe_decode(&strict, data, size, &port, &nonce));
	(void)loopprobe_is(data, size);
	change_ours(&ours, data, size);
	return 0;
}
