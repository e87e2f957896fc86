/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns with fields of an answer: what is there, and what is not. */
#include "cmd/util/json_field.h"

#include <string.h>

#include "unit.h"

static const struct {
	const char *what;
	const char *json, *pattern;
	const char *text; /* NULL: there is nothing to show */
} rows[] = {
	{ "a word", "{\"a\":\"x\"}", "{a}", "x" },
	{ "words around it", "{\"a\":\"x\"}", "is {a}.", "is x." },
	{ "two", "{\"a\":1,\"b\":2}", "{a}/{b}", "1/2" },
	{ "one of two", "{\"a\":1}", "{a}/{b}", NULL },
	{ "an empty word", "{\"a\":\"\"}", "{a}", NULL },
	{ "null", "{\"a\":null}", "{a}", NULL },
	{ "an object", "{\"a\":{}}", "{a}", NULL },
	{ "no object", "[1]", "{a}", NULL },
	{ "the value itself", "\"x\"", "<{}>", "<x>" },
	{ "no field", "{}", "always", "always" },
	{ "true", "{\"a\":true}", "{a}", "yes" },
	{ "false", "{\"a\":false}", "{a}", "no" },
	{ "zero", "{\"a\":0}", "{a}", "0" },
	{ "a large number", "{\"a\":1234567890123}", "{a}", "1234567890123" },
	{ "a broken number", "{\"a\":1.26}", "{a} ms", "1.3 ms" },
	{ "some", "{\"a\":2}", "{a:some}: died", "2: died" },
	{ "none", "{\"a\":0}", "{a:some}: died", NULL },
	{ "seconds", "{\"a\":59}", "{a:time}", "59 s" },
	{ "minutes", "{\"a\":61}", "{a:time}", "1 min 1 s" },
	{ "hours", "{\"a\":7260}", "{a:time}", "2 h 1 min" },
	{ "days", "{\"a\":90000}", "{a:time}", "1 d 1 h" },
	{ "a time before", "{\"a\":-5}", "{a:time}", "0 s" },
	{ "bytes", "{\"a\":1023}", "{a:size}", "1023 B" },
	{ "more bytes", "{\"a\":1536}", "{a:size}", "1.5 KiB" },
	{ "the most bytes", "{\"a\":1e30}", "{a:size}",
	    "888178419700125.2 PiB" },
	{ "a list", "{\"a\":[\"x\",\"y\"]}", "{a}", "x, y" },
	{ "a list of words", "{\"a\":[\"x\",\"y\"]}", "{a:words}", "x y" },
	{ "an empty list", "{\"a\":[]}", "{a}", NULL },
	{ "the first alternative", "{\"a\":1,\"b\":2}", "{a}|{b}", "1" },
	{ "the second", "{\"b\":2}", "a {a}|b {b}", "b 2" },
	{ "no alternative", "{\"c\":2}", "{a}|{b}", NULL },
	{ "a pattern that it brings", "{\"a\":\"{b}|\",\"b\":1}", "{a}",
	    "{b}|" },
};

START_TEST(a_row_is_filled_in)
{
	json_t *value = json_loads(rows[_i].json, JSON_DECODE_ANY, NULL);
	char	text[64];
	const char *got = json_field_fill(value, rows[_i].pattern, text,
	    sizeof(text));

	ck_assert_ptr_nonnull(value);
	ck_assert_msg((got == NULL) == (rows[_i].text == NULL), "%s",
	    rows[_i].what);
	if (got != NULL)
		ck_assert_msg(strcmp(got, rows[_i].text) == 0, "%s: %s",
		    rows[_i].what, got);
	json_decref(value);
}
END_TEST

/* Whatever the daemon says, nothing is written behind the end. */
START_TEST(what_is_too_long_is_cut)
{
	json_t *value = json_pack("{s:s,s:[sss]}", "a", "abcdefghijklmnop",
	    "b", "abcdef", "ghijkl", "mnopqr");
	char	text[32];

	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		json_field_fill(value, "<{a}, {a}: {b}>", text, size);
		ck_assert_uint_lt(strlen(text), size);
		for (size_t i = size; i < sizeof(text); i++)
			ck_assert_int_eq(text[i], '#');
	}
	ck_assert_str_eq(json_field_fill(value, "{b}", text, 18), "abcdef, ...");
	json_decref(value);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("json_field");
	TCase	*tcase = tcase_create("json_field");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_loop_test(tcase, a_row_is_filled_in, 0, nitems(rows));
	tcase_add_test(tcase, what_is_too_long_is_cut);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
