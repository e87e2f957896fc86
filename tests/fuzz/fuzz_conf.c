/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_conf: any text as a configuration.  Either it is complained about, in
 * lines of printable ASCII, or its printed form parses to the same.
 */
#include "fuzz.h"

#include "conf/conf.h"

static void
on_complaint(void *arg, const char *text)
{
	++*(unsigned *)arg;
	FUZZ_CHECK(*text != '\0');
	for (; *text != '\0'; text++)
		FUZZ_CHECK(*text >= 0x20 && *text < 0x7f);
}

static struct conf *
parse(const char *text, size_t len)
{
	unsigned	   n = 0;
	struct conf_errors errors = { .say = on_complaint, .arg = &n };
	struct conf *conf = conf_parse_text(text, len, "f", "/d", &errors);

	FUZZ_CHECK((conf == NULL) == (n > 0));
	return conf;
}

static char *
print(const struct conf *conf, size_t *len)
{
	char *text;
	FILE *out = open_memstream(&text, len);

	FUZZ_CHECK(out != NULL);
	conf_print(out, conf);
	fclose(out);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *conf = parse((const char *)data, size), *again;
	char	    *once, *twice;
	size_t	     len;

	if (conf == NULL)
		return 0;
	once = print(conf, &len);
	again = parse(once, len);
	FUZZ_CHECK(again != NULL);
	twice = print(again, &len);
	FUZZ_CHECK(strcmp(once, twice) == 0);
	free(once);
	free(twice);
	conf_free(conf);
	conf_free(again);
	return 0;
}
