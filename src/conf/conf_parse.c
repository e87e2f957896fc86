/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_parse: from lines to values, each complaint with its file and line.
 *
 * libbsd's fparseln gives logical lines (comments gone, continuations joined,
 * escapes undone); a row of conf_keys.c does the value.  A wrong line is
 * complained about and left out, and the next one is read, so one run shows
 * everything that is wrong.
 */
#include "conf/conf_draft.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <bsd/libutil.h>
#include <bsd/string.h>

#include "conf/conf_types.h"

#define LINE_MAX_LEN   4096
#define VALUE_SHOWN    80 /* of a wrong value, in a complaint */
#define NO_NAME	       " \t=:/@" /* what ends a word that may be quoted */
#define complain(at, ...)                                                      \
	conf_complain((at)->errors, (at)->file, (at)->line, __VA_ARGS__)

/* Where we are in one text. */
struct cursor {
	struct conf_draft  *draft;
	struct conf_errors *errors;
	enum conf_part	   part;
	const char	  *file;
	const char	  *site_wanted; /* CONF_PART_SITE */
	bool		   has_site;
	unsigned	   line;

	enum conf_section section; /* CONF_SECTIONS: none, or one we skip */
	bool		  skip;
	unsigned	  section_line;
	struct conf_site *site; /* the one being read */
	unsigned	  seen[CONF_NKEYS]; /* line of a key in this section */
};

static bool has_nul(struct conf_errors *errors, const char *text, size_t len,
    const char *name);
static unsigned first_line(const char **rest, const char *end, size_t before,
    size_t after);
static void parse_line(struct cursor *at, char *line);
static void open_section(struct cursor *at, char *header);
static void open_site(struct cursor *at, const char *name);
static void set_key(struct cursor *at, char *line);
static bool set_note(struct cursor *at, const char *name, const char *value);
static void set_value(struct cursor *at, const struct conf_key *key,
    const char *value);
static const char *quotable(char *text);
static const char *known_keys(enum conf_section section, char *dst,
    size_t size);
static char *trim(char *text);

void
conf_parse(struct conf_draft *draft, enum conf_part part,
    const char *text, size_t len, const char *name, const char *site)
{
	struct cursor at = {
		.draft = draft, .part = part, .file = name,
		.errors = part == CONF_PART_SITE ? draft->site_errors :
						   draft->errors,
		.site_wanted = site, .section = CONF_SECTIONS,
	};
	const char *rest = text;
	size_t	    line_len, before, count = 0;
	FILE	   *in;
	char	   *line;

	if (has_nul(at.errors, text, len, name))
		return;
	/* Opened to read only: the text stays as it is. */
	in = fmemopen((void *)(uintptr_t)text, len, "r");
	if (in == NULL && len > 0) {
		conf_complain(at.errors, name, 0, "cannot be read: %s",
		    strerror(errno));
		return;
	}
	while (in != NULL) {
		before = count;
		line = fparseln(in, &line_len, &count, NULL, FPARSELN_UNESCALL);
		if (line == NULL)
			break;
		at.line = first_line(&rest, text + len, before, count);
		if (line_len > LINE_MAX_LEN)
			conf_complain(at.errors, name, at.line,
			    "the line has %zu bytes; at most %u are allowed",
			    line_len, LINE_MAX_LEN);
		else
			parse_line(&at, line);
		free(line);
	}
	if (in != NULL)
		fclose(in);
	if (part == CONF_PART_SITE && !at.has_site)
		conf_complain(at.errors, name, 1,
		    "there is no [site %s] in it; add that line, or remove the "
		    "file", site);
}

static bool
has_nul(struct conf_errors *errors, const char *text, size_t len,
    const char *name)
{
	const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
	unsigned    line = 1;

	if (nul == NULL)
		return false;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	conf_complain(errors, name, line,
	    "there is a NUL byte in it; this must be a text file");
	return true;
}

/*
 * The number of the line where what fparseln() returned begins: it read the
 * lines after `before` up to `after`, and skipped comments that came first.
 * Advances `*rest` to there.
 */
static unsigned
first_line(const char **rest, const char *end, size_t before, size_t after)
{
	unsigned line = (unsigned)before + 1;
	bool	 comments = true;

	for (; before < after; before++) {
		const char *next;

		comments = comments && *rest < end && **rest == '#';
		line += comments && before + 1 < after;
		next = memchr(*rest, '\n', (size_t)(end - *rest));
		*rest = next != NULL ? next + 1 : end;
	}
	return line;
}

static void
parse_line(struct cursor *at, char *line)
{
	line = trim(line);
	if (*line == '\0')
		return;
	if (*line == '[')
		open_section(at, line);
	else if (!at->skip)
		set_key(at, line);
}

static void
open_section(struct cursor *at, char *header)
{
	char *name = header + 1, *end = header + strlen(header) - 1, *rest;

	/* What stands in a section that is refused would only add noise. */
	at->section = CONF_SECTIONS;
	at->skip = true;
	at->section_line = at->line;
	at->site = NULL;
	memset(at->seen, 0, sizeof(at->seen));
	if (*end != ']') {
		(void)quotable(trim(name));
		complain(at, "\"%.*s\": expected ] at the end of the line",
		    VALUE_SHOWN, header);
		return;
	}
	*end = '\0';
	name = trim(name);
	rest = name + strcspn(name, " \t");
	if (*rest != '\0')
		*rest++ = '\0';
	rest = trim(rest);
	at->section = conf_section_find(name);
	if (at->section == CONF_IN_SITE)
		open_site(at, rest);
	else if (at->section == CONF_SECTIONS || *rest != '\0')
		complain(at, "[%.*s%s%.*s]: no such section; there are [server], "
		    "[client], [interface], [switch] and [site NAME]",
		    VALUE_SHOWN, *name != '\0' ? quotable(name) : name,
		    *rest != '\0' ? " " : "", VALUE_SHOWN,
		    *rest != '\0' ? quotable(rest) : rest);
	else if (at->part == CONF_PART_SITE)
		complain(at, "[%s] does not belong here; it goes into "
		    CONF_FILE, name);
	else if (at->draft->section_line[at->section] != 0)
		complain(at, "[%s] appears twice, first in line %u; combine "
		    "the two", name, at->draft->section_line[at->section]);
	else {
		at->draft->section_line[at->section] = at->line;
		at->skip = false;
	}
}

static void
open_site(struct cursor *at, const char *name)
{
	struct conf_draft *draft = at->draft;
	bool again = at->has_site;

	if (at->part == CONF_PART_MAIN) {
		complain(at, "each site has a file of its own: put it into "
		    CONF_SITES_DIR "/%.*s.conf", VALUE_SHOWN, name);
		return;
	}
	at->has_site = true; /* one complaint is enough */
	if (!conf_is_site_name(name))
		complain(at, "[site %.*s]: expected a name of at most %u of "
		    "a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first",
		    VALUE_SHOWN, name, CONF_NAME_MAX);
	else if (at->part == CONF_PART_SITE &&
	    (again || strcmp(name, at->site_wanted) != 0))
		complain(at, "[site %s]: expected [site %s], once; the file's "
		    "name is the site's", name, at->site_wanted);
	else if (draft->conf->nsites >= CONF_MAX_SITES)
		complain(at, "there are more than %u sites", CONF_MAX_SITES);
	else if ((at->site = conf_draft_add_site(draft, name, at->file,
		      at->line)) == NULL)
		complain(at, "out of memory");
	else
		at->skip = false;
}

/* NAME = VALUE */
static void
set_key(struct cursor *at, char *line)
{
	const struct conf_key *key;
	char		      *value = strchr(line, '='), *name = line;
	char		       text[CONF_WHY_SIZE];

	if (value == NULL || value == line) {
		complain(at, "%.*s: expected NAME = VALUE or [SECTION]",
		    VALUE_SHOWN, quotable(line));
		return;
	}
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	if (at->part == CONF_PART_WHOLE && set_note(at, name, value))
		return;
	key = conf_key_find(at->section, name);
	if (at->section == CONF_SECTIONS)
		complain(at, "%.*s stands before any section; begin with %s",
		    VALUE_SHOWN, quotable(name),
		    at->part == CONF_PART_SITE ? "[site NAME]" :
						 "[server] or [client]");
	else if (key == NULL)
		complain(at, "%.*s: no such key in [%s]; there are %s",
		    VALUE_SHOWN, quotable(name), conf_section_name(at->section),
		    known_keys(at->section, text, sizeof(text)));
	else if (*value == '\0')
		complain(at, "%s has no value; give it one, or remove the line",
		    name);
	else if (at->seen[key - conf_keys] != 0 && !conf_types_is_list(key))
		complain(at, "%s appears twice, first in line %u; keep one of "
		    "them", name, at->seen[key - conf_keys]);
	else
		set_value(at, key, value);
}

/* Between our own processes.  False: it is a key. */
static bool
set_note(struct cursor *at, const char *name, const char *value)
{
	struct conf *conf = at->draft->conf;

	if (strcmp(name, "waiting") == 0)
		conf_names_add(&conf->waiting, value);
	else if (strcmp(name, "fault") != 0)
		return false;
	else if (at->site != NULL)
		at->site->faulty = true;
	else
		conf_names_add(&conf->faults, value);
	return true;
}

static void
set_value(struct cursor *at, const struct conf_key *key, const char *value)
{
	void *base = at->site != NULL ? (void *)at->site : at->draft->conf;
	char  why[CONF_WHY_SIZE];
	bool  ok = conf_types_parse(key, base, value, why);
	const struct conf_mention mention = {
		.key = key,
		.item = ok ? conf_types_count(key, base) - 1 : CONF_REFUSED,
		.file = at->site != NULL ? at->site->file : at->draft->file,
		.section_line = at->section_line,
		.line = at->line,
	};

	at->seen[key - conf_keys] = at->line;
	/*
	 * A complaint may be read by more people than the file: where a URL may
	 * have a user and password in it, the value is not repeated.
	 */
	if (!ok && (key->type == CONF_TYPE_PROXY || strchr(value, '@') != NULL))
		complain(at, "%s: %s", key->name, why);
	else if (!ok)
		complain(at, "%s = %.*s: %s", key->name, VALUE_SHOWN, value,
		    why);
	if (!conf_draft_remember(at->draft, &mention))
		complain(at, "out of memory");
}

/* Cuts what is no line of ours to its first word: a password may follow. */
static const char *
quotable(char *text)
{
	text[strcspn(text, NO_NAME)] = '\0';
	return *text != '\0' ? text : "this line";
}

static const char *
known_keys(enum conf_section section, char *dst, size_t size)
{
	*dst = '\0';
	for (size_t i = 0; i < CONF_NKEYS; i++) {
		if (conf_keys[i].section != section)
			continue;
		if (*dst != '\0')
			strlcat(dst, ", ", size);
		strlcat(dst, conf_keys[i].name, size);
	}
	return dst;
}

static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n\v\f");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n\v\f", text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
	return text;
}
