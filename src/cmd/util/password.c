/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/readpassphrase.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

static bool read_file(char *dst, const char *file, const char *who);
static bool read_terminal(char *dst, const char *site,
    enum password_times times, const char *who);
static bool ask(char *dst, size_t size, const char *prompt, const char *who);
static bool take(char *dst, char *text, size_t len, const char *who);

bool
password_read(char *dst, const char *file, const char *site,
    enum password_times times, const char *who)
{
	*dst = '\0';
	if (file != NULL)
		return read_file(dst, file, who);
	return read_terminal(dst, site, times, who);
}

static bool
read_file(char *dst, const char *file, const char *who)
{
	size_t whole;
	char  *text;
	bool   ok;
	int    r = file_read(file, 2 * PASSWORD_SIZE, &text, &whole);

	if (r < 0) {
		log_warnx("%s: %s: %s", who, file, r == -EFBIG ?
			"larger than any password" : strerror(-r));
		return false;
	}
	ok = take(dst, text, whole, who);
	secret_free(text, whole + 1);
	return ok;
}

static bool
read_terminal(char *dst, const char *site, enum password_times times,
    const char *who)
{
	/*
	 * Larger than allowed, so that a long password is refused and not
	 * truncated.
	 */
	char text[PASSWORD_SIZE + 2], again[PASSWORD_SIZE + 2];
	char prompt[128];
	bool ok;

	snprintf(prompt, sizeof(prompt), "Password of site %s: ", site);
	ok = ask(text, sizeof(text), prompt, who);
	if (ok && times == PASSWORD_TWICE) {
		ok = ask(again, sizeof(again), "The same again: ", who);
		if (ok && strcmp(text, again) != 0) {
			log_warnx("%s: the two passwords differ", who);
			ok = false;
		}
		secret_wipe(again, sizeof(again));
	}
	ok = ok && take(dst, text, strlen(text), who);
	secret_wipe(text, sizeof(text));
	return ok;
}

static bool
ask(char *dst, size_t size, const char *prompt, const char *who)
{
	if (readpassphrase(prompt, dst, size, RPP_REQUIRE_TTY) != NULL)
		return true;
	secret_wipe(dst, size);
	log_warnx("%s: there is no terminal to ask for the password; give it "
		  "with --password-file", who);
	return false;
}

static bool
take(char *dst, char *text, size_t len, const char *who)
{
	int r = text_line(text, &len);

	if (len == 0) {
		log_warnx("%s: the password is empty", who);
		return false;
	}
	if (r < 0) {
		log_warnx("%s: the password %s", who, text_explain(r));
		return false;
	}
	if (len >= PASSWORD_SIZE) {
		log_warnx("%s: the password is longer than %u bytes", who,
		    PASSWORD_SIZE - 1);
		return false;
	}
	memcpy(dst, text, len);
	dst[len] = '\0';
	return true;
}
