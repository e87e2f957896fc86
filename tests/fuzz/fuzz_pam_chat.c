/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_pam_chat: what a PAM helper says to the engine.
 */
#include "fuzz.h"

#include "control/auth/pam_talk.c"

static void
on_fuzz_prompt(void *arg, const char *text, bool echo)
{
	FUZZ_CHECK(strlen(text) <= PAM_CHAT_TEXT_MAX);
}

static void
on_fuzz_end(void *arg, enum keeper_verdict verdict, const uint8_t *voucher)
{
	++*(unsigned *)arg;
	FUZZ_CHECK((verdict == KEEPER_YES) == (voucher != NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pam_talk_events fuzz_events = { on_fuzz_prompt,
		on_fuzz_end };
	unsigned	ends = 0;
	struct pam_talk talk = { .fd = -1, .events = &fuzz_events,
		.arg = &ends };

	if (size > 0 && size <= PAM_CHAT_MAX + 1)
		dispatch(&talk, data, size);
	FUZZ_CHECK(ends <= 1);
	return 0;
}
