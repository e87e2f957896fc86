/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_utf16(const char *text, size_t len);
static bool is_control(char c);

int
text_begin(const char **text, size_t *len)
{
	if (is_utf16(*text, *len))
		return -EILSEQ;
	if (*len >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
		*text += 3;
		*len -= 3;
	}
	return 0;
}

int
text_normalize(char *text, size_t *len)
{
	const char *from = text;
	size_t	    n = 0;
	int	    r = text_begin(&from, len);

	if (r < 0)
		return r;
	for (size_t i = 0; i < *len; i++) {
		if (from[i] != '\r')
			text[n++] = from[i];
		else if (i + 1 == *len || from[i + 1] != '\n')
			text[n++] = '\n';
	}
	/* What is left behind it may be a secret's end; of nothing, nothing. */
	if (*len > 0)
		memset(text + n, 0, (size_t)(from - text) + *len - n);
	*len = n;
	return 0;
}

int
text_line(char *text, size_t *len)
{
	int r = text_normalize(text, len);

	if (r < 0)
		return r;
	if (*len > 0 && text[*len - 1] == '\n')
		text[--*len] = '\0';
	if (*len == 0 || memchr(text, '\n', *len) != NULL ||
	    memchr(text, '\0', *len) != NULL)
		return -EBADMSG;
	for (size_t i = 0; i < *len; i++) {
		if (is_control(text[i]))
			return -EPROTO;
	}
	return 0;
}

const char *
text_explain(int error)
{
	switch (error) {
	case -EILSEQ:
		return "is UTF-16; save it as UTF-8";
	case -EPROTO:
		return "has a control character in it; remove that";
	case -EBADMSG:
		return "is not one line of text";
	default:
		return strerror(-error);
	}
}

/* By its mark, or because the first characters are ASCII. */
static bool
is_utf16(const char *text, size_t len)
{
	if (len < 2)
		return false;
	if (memcmp(text, "\xff\xfe", 2) == 0 ||
	    memcmp(text, "\xfe\xff", 2) == 0)
		return true;
	return len % 2 == 0 && (text[0] == '\0') != (text[1] == '\0') &&
	    (len == 2 || (text[0] == '\0') == (text[2] == '\0')) &&
	    (len == 2 || (text[1] == '\0') == (text[3] == '\0'));
}

static bool
is_control(char c)
{
	return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}
