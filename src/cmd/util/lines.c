/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/util/must.h"

static void keep_first(void *arg, const char *text);

FILE *
lines_begin(struct lines *lines)
{
	return lines->out = must(open_memstream(&lines->text, &lines->len));
}

void
lines_put(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s = ", key);
	for (; *value != '\0'; value++) {
		if (*value == '#' || *value == '\\')
			fputc('\\', out);
		/* No key accepts a '?', so the parser reports it. */
		fputc(iscntrl((unsigned char)*value) ? '?' : *value, out);
	}
	fputc('\n', out);
}

void
lines_put_list(FILE *out, const char *key, const struct options_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		lines_put(out, key, list->v[i]);
}

struct conf *
lines_check(struct lines *lines, const char *who, const char *dir)
{
	struct conf *conf = NULL;

	if (fclose(lines->out) == 0)
		conf = lines_check_text(lines->text, who, dir);
	else
		log_warn("%s", who);
	free(lines->text);
	return conf;
}

struct conf *
lines_check_text(const char *text, const char *who, const char *dir)
{
	char		   first[1024] = "";
	struct conf_errors errors = { .say = keep_first, .arg = first };
	struct conf	  *conf = conf_parse_text(text, strlen(text), who, dir,
	       &errors);
	const char	  *what = first;

	if (conf != NULL && conf_has_room(conf, first, sizeof(first)))
		return conf;
	conf_free(conf);
	/*
	 * "WHO:LINE: what": the line is in a text that the user does not see.
	 */
	if (strlen(what) > strlen(who) && what[strlen(who)] == ':')
		what += strlen(who) + 1;
	what += strspn(what, "0123456789");
	what += strspn(what, ": ");
	log_warnx("%s: %s", who, what);
	return NULL;
}

static void
keep_first(void *arg, const char *text)
{
	char *first = arg;

	if (*first == '\0')
		snprintf(first, 1024, "%s", text);
}
