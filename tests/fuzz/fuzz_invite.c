/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_invite: any bytes as an invitation.  What is accepted carries no line
 * break, and its printed form is accepted too.
 */
#include "fuzz.h"

#include "base/secret.h"
#include "pki/invite.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct invite invite, again;
	char	      why[128] = "";
	char	     *text;
	size_t	      len;

	if (!invite_parse(&invite, (const char *)data, size, why, sizeof(why))) {
		FUZZ_CHECK(why[0] != '\0');
		return 0;
	}
	FUZZ_CHECK(strpbrk(invite.server, "\r\n#\\ ") == NULL);
	FUZZ_CHECK(strpbrk(invite.name, "\r\n#\\ ") == NULL);
	FUZZ_CHECK(strpbrk(invite.site, "\r\n#\\ ") == NULL);
	FUZZ_CHECK(strchr(invite.secret, '\n') == NULL);
	text = invite_print(&invite, &len);
	FUZZ_CHECK(text != NULL);
	FUZZ_CHECK(invite_parse(&again, text, len, why, sizeof(why)));
	FUZZ_CHECK(strcmp(invite.secret, again.secret) == 0);
	FUZZ_CHECK(strcmp(invite.ca, again.ca) == 0);
	secret_free(text, len + 1);
	invite_fini(&invite);
	invite_fini(&again);
	return 0;
}
