/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

#define BOM "\xef\xbb\xbf"
#define TEXT(literal) literal, sizeof(literal) - 1

static const struct row {
	const char *what, *text;
	size_t	    len;
	int	    error;
	const char *line;
} lines[] = {
	{ "plain", TEXT("open sesame\n"), 0, "open sesame" },
	{ "no end", TEXT("open sesame"), 0, "open sesame" },
	{ "CR LF", TEXT("open sesame\r\n"), 0, "open sesame" },
	{ "CR alone", TEXT("open sesame\r"), 0, "open sesame" },
	{ "a mark", TEXT(BOM "open sesame\n"), 0, "open sesame" },
	{ "a mark, CR LF", TEXT(BOM "open sesame\r\n"), 0, "open sesame" },
	{ "blanks stay", TEXT(" \topen sesame \r\n"), 0, " \topen sesame " },
	{ "UTF-8 stays", TEXT("\xc3\xb6" "ffne dich\r\n"), 0, "\xc3\xb6" "ffne dich" },
	{ "one byte", TEXT("x"), 0, "x" },
	{ "nothing", TEXT(""), -EBADMSG, NULL },
	{ "a mark alone", TEXT(BOM), -EBADMSG, NULL },
	{ "an end alone", TEXT("\r\n"), -EBADMSG, NULL },
	{ "two lines", TEXT("a\r\nb\r\n"), -EBADMSG, NULL },
	{ "two lines by CR", TEXT("a\rb"), -EBADMSG, NULL },
	{ "an empty second line", TEXT("a\r\n\r\n"), -EBADMSG, NULL },
	{ "two CR", TEXT("a\r\r\n"), -EBADMSG, NULL },
	{ "a NUL", TEXT("a\0b"), -EBADMSG, NULL },
	{ "escape", TEXT("open\033sesame\n"), -EPROTO, NULL },
	{ "vertical tab", TEXT("open sesame\v\n"), -EPROTO, NULL },
	{ "delete", TEXT("open\x7fsesame\n"), -EPROTO, NULL },
	{ "UTF-16LE, marked", TEXT("\xff\xfe" "a\0b\0\n\0"), -EILSEQ, NULL },
	{ "UTF-16BE, marked", TEXT("\xfe\xff" "\0a\0b\0\n"), -EILSEQ, NULL },
	{ "UTF-16LE", TEXT("a\0b\0\r\0\n\0"), -EILSEQ, NULL },
	{ "UTF-16BE", TEXT("\0a\0b\0\n"), -EILSEQ, NULL },
	{ "UTF-16LE, one letter", TEXT("a\0"), -EILSEQ, NULL },
};

START_TEST(a_line_is_what_was_meant)
{
	char text[64];

	for (size_t i = 0; i < nitems(lines); i++) {
		size_t len = lines[i].len;
		int    r;

		memset(text, 'x', sizeof(text));
		memcpy(text, lines[i].text, len);
		r = text_line(text, &len);
		ck_assert_msg(r == lines[i].error, "%s: %d", lines[i].what, r);
		if (r != 0)
			continue;
		ck_assert_msg(len == strlen(lines[i].line) &&
			memcmp(text, lines[i].line, len) == 0,
		    "%s: \"%.*s\"", lines[i].what, (int)len, text);
	}
}
END_TEST

START_TEST(all_kinds_of_line_ends_become_one)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "a\nb\n", "a\nb\n" },
		{ "a\r\nb\r\n", "a\nb\n" },
		{ "a\rb\r", "a\nb\n" },
		{ BOM "" "a\r\n\r\nb", "a\n\nb" },
		{ "", "" },
	};
	char text[64];

	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].from);

		memcpy(text, rows[i].from, len + 1);
		ck_assert_int_eq(text_normalize(text, &len), 0);
		ck_assert_uint_eq(len, strlen(rows[i].to));
		ck_assert_str_eq(text, rows[i].to);
	}
}
END_TEST

START_TEST(each_error_says_what_to_do)
{
	ck_assert_ptr_nonnull(strstr(text_explain(-EILSEQ), "UTF-8"));
	ck_assert_ptr_nonnull(strstr(text_explain(-EPROTO), "control"));
	ck_assert_ptr_nonnull(strstr(text_explain(-EBADMSG), "one line"));
	ck_assert_str_eq(text_explain(-ENOENT), strerror(ENOENT));
}
END_TEST

UNIT_MAIN("text", a_line_is_what_was_meant, all_kinds_of_line_ends_become_one,
    each_error_says_what_to_do)
