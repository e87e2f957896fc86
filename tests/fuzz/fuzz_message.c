/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is decoded can be encoded, and comes back the same.
 */
#include "base/secret.h"
#include "control/conn/message.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message first, second;
	const char    *why;
	char	      *text, *again;
	size_t	       len, again_len;

	if (message_decode(&first, data, size, &why) != 0)
		return 0;
	text = message_encode(&first, &len);
	/* A text that is no UTF-8 would not have been decoded. */
	FUZZ_CHECK(text != NULL);
	FUZZ_CHECK(message_decode(&second, text, len, &why) == 0);
	again = message_encode(&second, &again_len);
	FUZZ_CHECK(again != NULL && again_len == len);
	FUZZ_CHECK(memcmp(text, again, len) == 0);
	secret_free(text, len + 1);
	secret_free(again, len + 1);
	message_fini(&first);
	message_fini(&second);
	return 0;
}
