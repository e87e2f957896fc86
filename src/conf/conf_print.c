/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_print: what we understood, written down.
 *
 * Every key that means something in this role and mode, defaults too; parsing
 * it again gives the same.
 */
#include "conf/conf_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/conf_socket.h"
#include "conf/conf_types.h"

/* A text in the making; `out` is NULL if out of memory. */
struct memory {
	FILE  *out;
	char  *text;
	size_t len;
};

static void print_all(FILE *out, const struct conf *conf,
    const struct conf *live);
static void print_names(FILE *out, const char *key,
    const struct conf_names *names);
static void print_section(FILE *out, const struct conf *conf,
    const struct conf *live, enum conf_section section, bool commented);
static char *key_text(const struct conf_key *key, const struct conf *conf);
static FILE *begin(struct memory *memory);
static char *end(struct memory *memory);
static void print_key(FILE *out, const struct conf_key *key, const void *base,
    const char *before);
static void print_commented_key(FILE *out, const struct conf_key *key,
    const struct conf *conf);
static bool is_off(const struct conf_key *key, const struct conf_site *site);
static bool is_default(const struct conf_key *key, const struct conf *conf);
static bool is_default_socket(const struct conf *conf);
static void print_help(FILE *out, const char *help);

void
conf_print(FILE *out, const struct conf *conf)
{
	print_all(out, conf, conf);
}

void
conf_print_live(FILE *out, const struct conf *running,
    const struct conf *loaded)
{
	print_all(out, running, loaded);
}

bool
conf_print_is_same(const struct conf_key *key, const struct conf *a,
    const struct conf *b)
{
	AUTO_FREE char *x = key_text(key, a), *y = key_text(key, b);

	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

char *
conf_print_commented(const struct conf *conf)
{
	struct memory memory;
	FILE	     *out = begin(&memory);

	if (out == NULL)
		return NULL;
	fprintf(out,
	    "# Tombolo: the configuration of a %s.  tombolo.conf(5) describes "
	    "it;\n# tombolo check finds errors.\n\n",
	    conf->role == CONF_SERVER ? "hub" : "site");
	if (conf->role == CONF_SERVER)
		fprintf(out,
		    "# Sites are in " CONF_SITES_DIR
		    "/: see tombolo site --help.\n\n");
	print_section(out, conf, conf, conf_section_of_role(conf->role), true);
	print_section(out, conf, conf, CONF_IN_INTERFACE, true);
	print_section(out, conf, conf, CONF_IN_SWITCH, true);
	return end(&memory);
}

char *
conf_site_text(const struct conf_site *site)
{
	struct memory memory;

	if (begin(&memory) != NULL)
		conf_print_site(memory.out, site);
	return end(&memory);
}

void
conf_print_site(FILE *out, const struct conf_site *site)
{
	fprintf(out, "[site %s]\n", site->name);
	for (size_t i = 0; i < CONF_NKEYS; i++) {
		if (conf_keys[i].section == CONF_IN_SITE &&
		    !is_off(&conf_keys[i], site))
			print_key(out, &conf_keys[i], site, "");
	}
}

/* A site does not say for which mode it is; "no" would say tun. */
static bool
is_off(const struct conf_key *key, const struct conf_site *site)
{
	return key->type == CONF_TYPE_BOOL &&
	    (key->flags & CONF_KEY_TUN) != 0 &&
	    !*(const bool *)((const char *)site + key->offset);
}

/* Live keys and sites are those of `live`. */
static void
print_all(FILE *out, const struct conf *conf, const struct conf *live)
{
	print_names(out, "fault", &live->faults);
	print_names(out, "waiting", &live->waiting);
	print_section(out, conf, live, conf_section_of_role(conf->role), false);
	print_section(out, conf, live, CONF_IN_INTERFACE, false);
	print_section(out, conf, live, CONF_IN_SWITCH, false);
	for (size_t i = 0; i < live->nsites; i++) {
		fputc('\n', out);
		conf_print_site(out, &live->sites[i]);
		if (live->sites[i].faulty)
			fputs("fault = yes\n", out);
	}
}

static void
print_names(FILE *out, const char *key, const struct conf_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		fprintf(out, "%s = ", key);
		conf_types_print_string(out, names->v[i]);
		fputc('\n', out);
	}
}

/* All that it says; the caller frees.  NULL if out of memory. */
static char *
key_text(const struct conf_key *key, const struct conf *conf)
{
	struct memory memory;

	if (begin(&memory) != NULL)
		print_key(memory.out, key, conf, "");
	return end(&memory);
}

static FILE *
begin(struct memory *memory)
{
	return memory->out = open_memstream(&memory->text, &memory->len);
}

/* The caller frees. */
static char *
end(struct memory *memory)
{
	if (memory->out == NULL)
		return NULL;
	if (fclose(memory->out) == 0)
		return memory->text;
	free(memory->text);
	return NULL;
}

static void
print_section(FILE *out, const struct conf *conf, const struct conf *live,
    enum conf_section section, bool commented)
{
	bool begun = false;

	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];

		if (key->section != section ||
		    !conf_key_applies(key, conf->role, conf->mode))
			continue;
		if (!begun)
			fprintf(out, "%s[%s]\n",
			    section == conf_section_of_role(conf->role) ? "" : "\n",
			    conf_section_name(section));
		begun = true;
		if (commented)
			print_commented_key(out, key, conf);
		else
			print_key(out, key,
			    (key->flags & CONF_KEY_LIVE) != 0 ? live : conf,
			    "");
	}
}

static void
print_key(FILE *out, const struct conf_key *key, const void *base,
    const char *before)
{
	size_t n = conf_types_count(key, base);

	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s%s = ", before, key->name);
		conf_types_print(out, key, base, i);
		fputc('\n', out);
	}
}

static void
print_commented_key(FILE *out, const struct conf_key *key,
    const struct conf *conf)
{
	fputc('\n', out);
	print_help(out, key->help);
	if (conf_types_count(key, conf) == 0) {
		fprintf(out, "#%s = %s\n", key->name, key->example);
		return;
	}
	print_key(out, key, conf, is_default(key, conf) ? "#" : "");
}

/*
 * Whether the line may stay away.  The mode and a client's method never: both
 * ends must agree on them, and people should see them.
 */
static bool
is_default(const struct conf_key *key, const struct conf *conf)
{
	char  text[128] = "";
	FILE *out;

	if (key->words == &conf_words_mode ||
	    (key->words == &conf_words_auth && key->type == CONF_TYPE_WORD))
		return false;
	if (strcmp(key->name, "socket") == 0)
		return is_default_socket(conf);
	if (key->words == &conf_words_auth)
		return conf->auths == conf_default_auths();
	if (key->type == CONF_TYPE_LISTEN)
		return conf->nlistens == 1 &&
		    conf->listens[0].addr.family == 0 &&
		    conf->listens[0].port == 0;
	if (key->fallback == NULL)
		return false;
	out = fmemopen(text, sizeof(text), "w");
	if (out == NULL)
		return false;
	conf_types_print(out, key, conf, 0);
	fclose(out);
	return strcmp(text, key->fallback) == 0;
}

static bool
is_default_socket(const struct conf *conf)
{
	AUTO_FREE char *path = conf_socket_default(conf->dir);

	return path != NULL && strcmp(path, conf->socket) == 0;
}

static void
print_help(FILE *out, const char *help)
{
	while (*help != '\0') {
		size_t len = strcspn(help, "\n");

		fprintf(out, "# %.*s\n", (int)len, help);
		help += len + (help[len] == '\n');
	}
}
