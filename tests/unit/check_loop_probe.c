/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/switch/loop_probe.h"

#include <string.h>

#include "unit.h"

static const uint8_t src[6] = { 0x02, 1, 2, 3, 4, 5 };

static struct loop_probe_id
fixed_id(void)
{
	struct loop_probe_id id = { .hub = UINT64_C(0x1122334455667788),
		.rank = 0x99aa };

	for (unsigned i = 0; i < sizeof(id.key); i++)
		id.key[i] = (uint8_t)i;
	return id;
}

START_TEST(a_probe_is_known_again)
{
	struct loop_probe_id id;
	uint8_t		    frame[LOOP_PROBE_LEN];
	struct loop_probe    probe;

	loop_probe_id_init(&id);
	loop_probe_encode(&id, frame, src, 4711, UINT64_C(0xfedcba9876543210));
	ck_assert(loop_probe_is(frame, sizeof(frame)));
	ck_assert(loop_probe_decode(&id, frame, sizeof(frame), &probe));
	ck_assert_uint_eq(probe.port, 4711);
	ck_assert_uint_eq(probe.nonce, UINT64_C(0xfedcba9876543210));
}
END_TEST

/* The HMAC is from another implementation (Python's hmac). */
START_TEST(the_bytes_are_those_of_the_protocol)
{
	static const uint8_t want[LOOP_PROBE_LEN] = {
		0x03, 0x74, 0x6f, 0x6d, 0x62, 0x6f, 0x02, 1, 2, 3, 4, 5, 0x88,
		0xb6, 't', 'm', 'b', 'l', 2, 0, 0x00, 0x07, 0x11, 0x22, 0x33,
		0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0, 0, 0, 0, 9,
		0x99, 0xaa, 0x3a, 0x0c, 0x49, 0xf4, 0xcf, 0x9c, 0xf5, 0x35,
		0x01, 0xdd, 0x65, 0xbf, 0xe0, 0x8f, 0x91, 0x95
	};
	struct loop_probe_id id = fixed_id();
	uint8_t		    frame[LOOP_PROBE_LEN];

	loop_probe_encode(&id, frame, src, 7, 9);
	ck_assert_mem_eq(frame, want, sizeof(want));
}
END_TEST

START_TEST(every_changed_bit_is_noticed)
{
	struct loop_probe_id id = fixed_id();
	uint8_t		    frame[LOOP_PROBE_LEN];
	struct loop_probe    probe;

	loop_probe_encode(&id, frame, src, 7, 9);
	for (unsigned bit = 0; bit < 8 * LOOP_PROBE_LEN; bit++) {
		bool free_to_change = (bit >= 8 * 6 && bit < 8 * 12) ||
		    bit >= 8 * 56; /* the sender, the padding */

		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(loop_probe_decode(&id, frame, sizeof(frame),
				  &probe) == free_to_change,
		    "bit %u of byte %u", bit % 8, bit / 8);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}
END_TEST

START_TEST(truncation_is_refused_at_every_byte)
{
	struct loop_probe_id id = fixed_id();
	uint8_t		    frame[LOOP_PROBE_LEN];
	struct loop_probe    probe;

	loop_probe_encode(&id, frame, src, 7, 9);
	for (size_t n = 0; n <= LOOP_PROBE_LEN; n++) {
		uint8_t *p = malloc(n > 0 ? n : 1);

		ck_assert_ptr_nonnull(p);
		memcpy(p, frame, n);
		ck_assert_msg(loop_probe_is(p, n) == (n >= 14), "%zu", n);
		ck_assert_msg(loop_probe_decode(&id, p, n, &probe) ==
			(n >= 56),
		    "%zu", n);
		free(p);
	}
}
END_TEST

START_TEST(a_probe_without_our_key_is_none)
{
	struct loop_probe_id ours, theirs;
	uint8_t		    frame[LOOP_PROBE_LEN];
	struct loop_probe    probe;

	loop_probe_id_init(&ours);
	loop_probe_id_init(&theirs);
	ck_assert_mem_ne(&ours, &theirs, sizeof(ours));
	loop_probe_encode(&theirs, frame, src, 7, 9);
	ck_assert(loop_probe_is(frame, sizeof(frame)));
	ck_assert(!loop_probe_decode(&ours, frame, sizeof(frame), &probe));

	/* Nor with our id, which is no secret, and another key. */
	theirs.hub = ours.hub;
	loop_probe_encode(&theirs, frame, src, 7, 9);
	ck_assert(!loop_probe_decode(&ours, frame, sizeof(frame), &probe));
}
END_TEST

START_TEST(hubs_that_share_a_key_know_each_other)
{
	struct loop_probe_id ours, theirs;
	uint8_t		    frame[LOOP_PROBE_LEN];
	struct loop_probe    probe;

	loop_probe_id_init(&ours);
	theirs = ours;
	theirs.hub++;
	theirs.rank = 200;
	loop_probe_encode(&theirs, frame, src, 7, 9);
	ck_assert(loop_probe_decode(&ours, frame, sizeof(frame), &probe));
	ck_assert_uint_eq(probe.hub, theirs.hub);
	ck_assert_uint_eq(probe.rank, 200);
}
END_TEST

UNIT_MAIN("loopprobe", a_probe_is_known_again,
    the_bytes_are_those_of_the_protocol, every_changed_bit_is_noticed,
    truncation_is_refused_at_every_byte, a_probe_without_our_key_is_none,
    hubs_that_share_a_key_know_each_other)
