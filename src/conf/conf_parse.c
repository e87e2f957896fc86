/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_parse: from lines to values, each complaint with its file and line.
 *
 * libbsd's fparseln gives logical lines (comments gone, continuations joined,
 * escapes undone); a row of conf_keys.c does the value.  A wrong line is
 * complained about and left out, and the next one is read, so one run shows
 * everything that is wrong.
 */
#include "conf/conf_keys.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <bsd/libutil.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/log.h"
#include "conf/conf_types.h"

#define LINE_MAX_LEN   4096
#define VALUE_SHOWN    80 /* of a wrong value, in a complaint */
#define NO_NAME	       " \t=:/@" /* what ends a word that may be quoted */

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
static bool drop_wrong(struct conf_draft *draft);
static struct conf_site *last_of(const struct conf *conf, const char *name);
static void drop_site(struct conf_draft *draft, struct conf_site *site);
static unsigned first_line(const char **rest, const char *end, size_t before,
    size_t after);
static void parse_line(struct cursor *at, char *line);
static void open_section(struct cursor *at, char *header);
static void open_site(struct cursor *at, const char *name);
static void set_key(struct cursor *at, char *line);
static void remember(struct cursor *at, const struct conf_key *key,
    size_t item);
static void refuse_value(struct cursor *at, const struct conf_key *key,
    const char *value, const char *why);
static const char *quotable(char *text);
static const char *known_keys(enum conf_section section, char *dst,
    size_t size);
static struct conf_site *add_site(struct conf *conf, const char *name,
    const char *file, unsigned line);
static bool set_defaults(struct conf *conf);
static bool finish_defaults(struct conf_draft *draft);
static char *trim(char *text);
static int  by_name(const void *a, const void *b);

bool
conf_draft_init(struct conf_draft *draft, const char *dir, const char *file,
    struct conf_errors *errors)
{
	*draft = (struct conf_draft) { .errors = errors,
		.site_errors = errors, .file = file };
	draft->conf = calloc(1, sizeof(*draft->conf));
	if (draft->conf != NULL && set_defaults(draft->conf) &&
	    (draft->conf->dir = strdup(dir)) != NULL)
		return true;
	conf_complain(errors, file, 0, "there is no memory for it");
	conf_free(draft->conf);
	draft->conf = NULL;
	return false;
}

void
conf_draft_parse(struct conf_draft *draft, enum conf_part part,
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
			    "the line has %zu bytes; at most %u are taken",
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

struct conf *
conf_draft_finish(struct conf_draft *draft)
{
	struct conf *conf = draft->conf;

	bool ok = finish_defaults(draft);

	do {
		if (conf->nsites > 1)
			qsort(conf->sites, conf->nsites, sizeof(*conf->sites),
			    by_name);
		/* In what is incomplete sites cannot be judged. */
		if (ok && !(draft->any && draft->errors->n > 0))
			conf_check(draft);
	} while (drop_wrong(draft));
	free(draft->mentions);
	draft->mentions = NULL;
	draft->conf = NULL;
	if (draft->errors->n == 0 || draft->any)
		return conf;
	conf_free(conf);
	return NULL;
}

void
conf_draft_fall_back(struct conf_draft *draft, const char *name,
    const char *path, bool disabled)
{
	const struct conf_site *last = draft->running != NULL ?
	    conf_find_site(draft->running, name) : NULL;
	struct conf	*conf = draft->conf;
	struct conf_site bare = { 0 }, *site = last_of(conf, name);
	char		*text;

	/* What it claims is nobody's, but not free either. */
	if (site != NULL && conf->mode == CONF_TUN)
		bare = *site;
	bare.disabled = true;
	strlcpy(bare.name, name, sizeof(bare.name));
	text = conf_site_text(last != NULL ? last : &bare);
	if (site != NULL)
		drop_site(draft, site);
	if (text != NULL && conf->nsites < CONF_MAX_SITES)
		conf_draft_parse(draft, CONF_PART_WHOLE, text, strlen(text),
		    path, NULL);
	free(text);
	if (conf->nsites == 0 ||
	    strcmp(conf->sites[conf->nsites - 1].name, name) != 0)
		return;
	conf->sites[conf->nsites - 1].faulty = true;
	conf->sites[conf->nsites - 1].disabled |= disabled;
}

bool
conf_draft_is_changed(const struct conf_draft *draft,
    const struct conf_site *site)
{
	const struct conf_site *last = draft->running != NULL ?
	    conf_find_site(draft->running, site->name) : NULL;
	char *now, *then;
	bool  changed;

	if (site->faulty || draft->running == NULL)
		return false;
	if (last == NULL)
		return true;
	now = conf_site_text(site);
	then = conf_site_text(last);
	changed = now == NULL || then == NULL || strcmp(now, then) != 0;
	free(now);
	free(then);
	return changed;
}

bool
conf_draft_says(const struct conf_draft *draft, const struct conf_key *key)
{
	for (size_t i = 0; i < draft->nmentions; i++) {
		if (draft->mentions[i].key == key)
			return true;
	}
	return false;
}

struct conf *
conf_parse_text(const char *text, size_t len, const char *name, const char *dir,
    struct conf_errors *errors)
{
	struct conf_draft draft;

	errors->n = 0;
	if (!conf_draft_init(&draft, dir, name, errors))
		return NULL;
	conf_draft_parse(&draft, CONF_PART_WHOLE, text, len, name, NULL);
	return conf_draft_finish(&draft);
}

/* Hostile text cannot make endless output: the last one says that it stops. */
void
conf_complain(struct conf_errors *errors, const char *file, unsigned line,
    const char *fmt, ...)
{
	char	what[768], text[1536], clean[3072];
	va_list ap;

	if (errors->n++ >= CONF_MAX_COMPLAINTS)
		return;
	if (errors->n == CONF_MAX_COMPLAINTS) {
		snprintf(what, sizeof(what),
		    "and more like these; mend them first");
	} else {
		va_start(ap, fmt);
		vsnprintf(what, sizeof(what), fmt, ap);
		va_end(ap);
	}
	if (line > 0)
		snprintf(text, sizeof(text), "%.600s:%u: %s", file, line, what);
	else
		snprintf(text, sizeof(text), "%.600s: %s", file, what);
	log_escape(clean, sizeof(clean), text, strlen(text));
	errors->say(errors->arg, clean);
}

unsigned
conf_default_auths(void)
{
	unsigned    auths = 0;
	const char *why;

	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		if (i != CONF_AUTH_TLS_SRP &&
		    conf_auth_is_built((enum conf_auth)i, &why))
			auths |= CONF_AUTH_BIT(i);
	}
	return auths;
}

char *
conf_default_socket(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	const char *base = slash != NULL ? slash + 1 : dir;
	char	   *path;
	size_t	    from;

	if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		base = "tombolo";
	if (asprintf(&path, "/run/tombolo/%s.sock", base) == -1)
		return NULL;
	from = strlen("/run/tombolo/");
	for (char *p = path + from; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\')
			*p = '_';
	}
	return path;
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

/* What conf_check() found wrong is what it was.  Whether there was any. */
static bool
drop_wrong(struct conf_draft *draft)
{
	struct conf *conf = draft->conf;
	bool	     any = false;

	for (size_t i = 0; i < conf->nsites && draft->errors->n == 0;) {
		struct conf_site wrong = conf->sites[i];
		char		*path;

		if (!wrong.wrong) {
			i++;
			continue;
		}
		any = true;
		path = strdup(wrong.file);
		if (path == NULL)
			conf_complain(draft->errors, draft->file, 0,
			    "there is no memory for it");
		else
			conf_draft_fall_back(draft, wrong.name, path,
			    wrong.disabled);
		free(path);
	}
	return any && draft->errors->n == 0;
}

/* They are not sorted yet; it is most likely the last one. */
static struct conf_site *
last_of(const struct conf *conf, const char *name)
{
	for (size_t i = conf->nsites; i > 0; i--) {
		if (strcmp(conf->sites[i - 1].name, name) == 0)
			return &conf->sites[i - 1];
	}
	return NULL;
}

/* And what was said of it: its file's name goes with it. */
static void
drop_site(struct conf_draft *draft, struct conf_site *site)
{
	struct conf *conf = draft->conf;
	size_t	     n = 0;

	for (size_t i = 0; i < draft->nmentions; i++) {
		if (draft->mentions[i].file != site->file)
			draft->mentions[n++] = draft->mentions[i];
	}
	draft->nmentions = n;
	free(site->addresses.v);
	free(site->subnets.v);
	free(site->file);
	*site = conf->sites[--conf->nsites];
}

/*
 * The number of the line where what fparseln() returned begins: it read those
 * behind `before` up to `after`, and passed over comments that came first.
 * `*rest` goes forward with it.
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
	struct conf_draft *draft = at->draft;
	size_t		   len = strlen(header);
	char		  *name = header + 1, *rest;

	/* What stands in a section that is refused would only add noise. */
	at->section = CONF_SECTIONS;
	at->skip = true;
	at->section_line = at->line;
	at->site = NULL;
	memset(at->seen, 0, sizeof(at->seen));
	if (header[len - 1] != ']') {
		(void)quotable(trim(name));
		conf_complain(at->errors, at->file, at->line,
		    "\"%.*s\": expected ] at the end of the line", VALUE_SHOWN,
		    header);
		return;
	}
	header[len - 1] = '\0';
	name = trim(name);
	rest = name + strcspn(name, " \t");
	if (*rest != '\0')
		*rest++ = '\0';
	rest = trim(rest);
	at->section = conf_section_find(name);
	if (at->section == CONF_SECTIONS ||
	    (*rest != '\0' && at->section != CONF_IN_SITE)) {
		conf_complain(at->errors, at->file, at->line,
		    "[%.*s%s%.*s]: no such section; there are [server], "
		    "[client], [interface], [switch] and [site NAME]",
		    VALUE_SHOWN, *name != '\0' ? quotable(name) : name,
		    *rest != '\0' ? " " : "", VALUE_SHOWN,
		    *rest != '\0' ? quotable(rest) : rest);
		return;
	}
	if (at->section == CONF_IN_SITE) {
		open_site(at, rest);
		return;
	}
	if (at->part == CONF_PART_SITE) {
		conf_complain(at->errors, at->file, at->line,
		    "[%s] does not belong here; it goes into " CONF_FILE, name);
		return;
	}
	if (draft->section_line[at->section] != 0) {
		conf_complain(at->errors, at->file, at->line,
		    "[%s] is here twice, first in line %u; join the two", name,
		    draft->section_line[at->section]);
		return;
	}
	draft->section_line[at->section] = at->line;
	at->skip = false;
}

static void
open_site(struct cursor *at, const char *name)
{
	struct conf_draft *draft = at->draft;

	if (at->part == CONF_PART_MAIN) {
		conf_complain(at->errors, at->file, at->line,
		    "sites live in files of their own: put it into "
		    CONF_SITES_DIR "/%.*s.conf", VALUE_SHOWN, name);
		return;
	}
	if (!conf_is_site_name(name)) {
		conf_complain(at->errors, at->file, at->line,
		    "[site %.*s]: expected a name of at most %u of a-z, 0-9, "
		    "\".\", \"_\" and \"-\", a letter or digit first",
		    VALUE_SHOWN, name, CONF_NAME_MAX);
		at->has_site = true; /* that is enough of complaints */
		return;
	}
	if (at->part == CONF_PART_SITE &&
	    (at->has_site || strcmp(name, at->site_wanted) != 0)) {
		conf_complain(at->errors, at->file, at->line,
		    "[site %s]: expected [site %s], once; the file's name is "
		    "the site's", name, at->site_wanted);
		at->has_site = true;
		return;
	}
	at->has_site = true;
	if (draft->conf->nsites >= CONF_MAX_SITES) {
		conf_complain(at->errors, at->file, at->line,
		    "there are more than %u sites", CONF_MAX_SITES);
		return;
	}
	at->site = add_site(draft->conf, name, at->file, at->line);
	if (at->site == NULL) {
		conf_complain(at->errors, at->file, at->line,
		    "there is no memory for it");
		return;
	}
	at->skip = false;
}

/* NAME = VALUE */
static void
set_key(struct cursor *at, char *line)
{
	struct conf_errors    *errors = at->errors;
	const struct conf_key *key;
	char		      *value = strchr(line, '=');
	char		      *name = line;
	char		       text[256];
	void		      *base;
	unsigned	      *seen;

	if (value == NULL || value == line) {
		conf_complain(errors, at->file, at->line,
		    "%.*s: expected NAME = VALUE or [SECTION]", VALUE_SHOWN,
		    quotable(line));
		return;
	}
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	/* Between our own processes. */
	if (at->part == CONF_PART_WHOLE && strcmp(name, "fault") == 0) {
		if (at->site != NULL)
			at->site->faulty = true;
		else
			conf_names_add(&at->draft->conf->faults, value);
		return;
	}
	if (at->part == CONF_PART_WHOLE && strcmp(name, "waiting") == 0) {
		conf_names_add(&at->draft->conf->waiting, value);
		return;
	}
	if (at->section == CONF_SECTIONS) {
		conf_complain(errors, at->file, at->line,
		    "%.*s stands before any section; begin with %s",
		    VALUE_SHOWN, quotable(name),
		    at->part == CONF_PART_SITE ? "[site NAME]" :
						 "[server] or [client]");
		return;
	}
	key = conf_key_find(at->section, name);
	if (key == NULL) {
		conf_complain(errors, at->file, at->line,
		    "%.*s: no such key in [%s]; there are %s", VALUE_SHOWN,
		    quotable(name), conf_section_name(at->section),
		    known_keys(at->section, text, sizeof(text)));
		return;
	}
	if (*value == '\0') {
		conf_complain(errors, at->file, at->line,
		    "%s has no value; give it one, or remove the line", name);
		return;
	}
	seen = &at->seen[key - conf_keys];
	if (*seen != 0 && !conf_type_is_list(key)) {
		conf_complain(errors, at->file, at->line,
		    "%s is here twice, first in line %u; keep one of them",
		    name, *seen);
		return;
	}
	*seen = at->line;
	base = at->site != NULL ? (void *)at->site : (void *)at->draft->conf;
	if (!conf_type_parse(key, base, value, text, sizeof(text))) {
		refuse_value(at, key, value, text);
		remember(at, key, CONF_REFUSED);
		return;
	}
	remember(at, key, conf_type_count(key, base) - 1);
}

/*
 * A complaint may be read by more people than the file.  Where a URL may have a
 * user and password in it, what is wrong is not repeated; the line's number
 * tells which it is.
 */
static void
refuse_value(struct cursor *at, const struct conf_key *key, const char *value,
    const char *why)
{
	if (key->type == CONF_TYPE_PROXY || strchr(value, '@') != NULL)
		conf_complain(at->errors, at->file, at->line, "%s: %s",
		    key->name, why);
	else
		conf_complain(at->errors, at->file, at->line,
		    "%s = %.*s: %s", key->name, VALUE_SHOWN, value, why);
}

/* Cuts what is no line of ours down to its first word, for the same reason. */
static const char *
quotable(char *text)
{
	text[strcspn(text, NO_NAME)] = '\0';
	return *text != '\0' ? text : "this line";
}

/* So that conf_check() can say where a value stands. */
static void
remember(struct cursor *at, const struct conf_key *key, size_t item)
{
	struct conf_draft   *draft = at->draft;
	struct conf_mention *bigger;

	/* Room is doubled whenever the number is a power of two. */
	if ((draft->nmentions & (draft->nmentions - 1)) == 0) {
		size_t room = draft->nmentions == 0 ? 1 : draft->nmentions * 2;

		bigger = reallocarray(draft->mentions, room, sizeof(*bigger));
		if (bigger == NULL) {
			conf_complain(at->errors, at->file, at->line,
			    "there is no memory for it");
			return;
		}
		draft->mentions = bigger;
	}
	draft->mentions[draft->nmentions++] = (struct conf_mention) {
		.key = key,
		.item = item,
		.file = at->site != NULL ? at->site->file : draft->file,
		.section_line = at->section_line,
		.line = at->line,
	};
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

static struct conf_site *
add_site(struct conf *conf, const char *name, const char *file, unsigned line)
{
	struct conf_site *site, *bigger;
	char		 *copy;

	/* As in remember(). */
	if ((conf->nsites & (conf->nsites - 1)) == 0) {
		size_t room = conf->nsites == 0 ? 1 : conf->nsites * 2;

		bigger = reallocarray(conf->sites, room, sizeof(*bigger));
		if (bigger == NULL)
			return NULL;
		conf->sites = bigger;
	}
	copy = strdup(file);
	if (copy == NULL)
		return NULL;
	site = &conf->sites[conf->nsites++];
	*site = (struct conf_site) { .file = copy, .line = line };
	strlcpy(site->name, name, sizeof(site->name));
	return site;
}

static bool
set_defaults(struct conf *conf)
{
	char why[128];

	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];

		if (key->fallback == NULL || key->section == CONF_IN_SITE)
			continue;
		if (!conf_type_parse(key, conf, key->fallback, why, sizeof(why)))
			return false;
	}
	return true;
}

/* The defaults that depend on other keys. */
static bool
finish_defaults(struct conf_draft *draft)
{
	const struct conf_key *key;
	struct conf	      *conf = draft->conf;
	char		       why[128];
	bool		       ok = true;

	conf->role = draft->section_line[CONF_IN_SERVER] == 0 &&
		draft->section_line[CONF_IN_CLIENT] != 0 ?
	    CONF_CLIENT :
	    CONF_SERVER;
	if (conf->role == CONF_SERVER && conf->auths == 0)
		conf->auths = conf_default_auths();
	if (conf->nlistens == 0)
		conf->nlistens = 1; /* any */
	if (conf->socket == NULL)
		ok = (conf->socket = conf_default_socket(conf->dir)) != NULL;
	for (unsigned i = 0; ok && i < conf->nservers; i++) {
		struct conf_server *server = &conf->servers[i];

		if (server->name == NULL)
			ok = conf_type_set_name(&server->name,
			    conf->server_name != NULL ? conf->server_name :
							server->host,
			    why, sizeof(why));
	}
	key = conf_key_find(CONF_IN_SWITCH, "max-addresses-per-site");
	if (conf->max_addresses_per_site > conf->max_addresses &&
	    !conf_draft_says(draft, key))
		conf->max_addresses_per_site = conf->max_addresses;
	if (conf->role == CONF_SERVER && conf->mode == CONF_TUN &&
	    conf->tunnel_networks.n == 0) {
		key = conf_key_find(CONF_IN_INTERFACE, "tunnel-network");
		ok = ok &&
		    conf_type_parse(key, conf, key->example, why, sizeof(why));
	}
	if (!ok)
		conf_complain(draft->errors, draft->file, 0,
		    "there is no memory for it");
	return ok;
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

static int
by_name(const void *a, const void *b)
{
	const struct conf_site *x = a, *y = b;

	int order = strcmp(x->name, y->name);

	/* Of two alike the later one is complained about. */
	if (order != 0)
		return order;
	return x->line < y->line ? -1 : x->line > y->line;
}
