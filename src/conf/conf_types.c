/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_types.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "conf/conf_endpoint.h"
#include "conf/conf_list.h"

#define PATH_MAX_LEN 1024 /* printed with escapes it still fits a line */
#define HOST_MAX_LEN CONF_ENDPOINT_MAX_HOST
#define ALL_OFFLOADS (CONF_OFFLOAD_BIT(CONF_OFFLOADS) - 1)

static conf_types_parse_fn parse_path, parse_host, parse_port, parse_number,
    parse_bool, parse_word, parse_bits, parse_service, parse_site,
    parse_device, parse_mark;
static conf_types_print_fn print_string, print_port, print_number, print_bool,
    print_word, print_bit, print_chars, print_mark;

/* What lies at the place: how many values, and which of them are lists. */
enum shape {
	VALUE,
	CHARS, /* empty: none */
	STRING,
	PROXY,
	LISTS, /* the following */
	BITS,
	LISTENS,
	SERVERS,
	PREFIXES,
	NAMES,
};

static const struct type {
	enum shape	    shape;
	conf_types_parse_fn *parse;
	conf_types_print_fn *print;
} types[] = {
	[CONF_TYPE_PATH] = { STRING, parse_path, print_string },
	[CONF_TYPE_HOST] = { STRING, parse_host, print_string },
	[CONF_TYPE_SERVER] = { SERVERS, conf_endpoint_parse_server,
	    conf_endpoint_print_server },
	[CONF_TYPE_PROXY] = { PROXY, conf_endpoint_parse_proxy,
	    conf_endpoint_print_proxy },
	[CONF_TYPE_PORT] = { VALUE, parse_port, print_port },
	[CONF_TYPE_NUMBER] = { VALUE, parse_number, print_number },
	[CONF_TYPE_LISTEN] = { LISTENS, conf_endpoint_parse_listen,
	    conf_endpoint_print_listen },
	[CONF_TYPE_BOOL] = { VALUE, parse_bool, print_bool },
	[CONF_TYPE_WORD] = { VALUE, parse_word, print_word },
	[CONF_TYPE_BITS] = { BITS, parse_bits, print_bit },
	[CONF_TYPE_SERVICE] = { STRING, parse_service, print_string },
	[CONF_TYPE_SITE] = { CHARS, parse_site, print_chars },
	[CONF_TYPE_DEVICE] = { CHARS, parse_device, print_chars },
	[CONF_TYPE_HOSTS] = { PREFIXES, conf_list_parse_prefixes,
	    conf_list_print_prefixes },
	[CONF_TYPE_ADDRESSES] = { PREFIXES, conf_list_parse_prefixes,
	    conf_list_print_prefixes },
	[CONF_TYPE_NETWORKS] = { PREFIXES, conf_list_parse_prefixes,
	    conf_list_print_prefixes },
	[CONF_TYPE_MARK] = { VALUE, parse_mark, print_mark },
	[CONF_TYPE_DOMAINS] = { NAMES, conf_list_parse_domains,
	    conf_list_print_names },
	[CONF_TYPE_NAMES] = { NAMES, conf_list_parse_names,
	    conf_list_print_names },
};

static bool find_word(const struct conf_key *key, const char *value,
    unsigned *found, char *why);
static unsigned nth_bit(unsigned bits, size_t n);
static bool is_host_name(const char *text);

bool
conf_types_is_list(const struct conf_key *key)
{
	return types[key->type].shape > LISTS;
}

bool
conf_types_parse(const struct conf_key *key, void *base, const char *value,
    char *why)
{
	if (types[key->type].shape > BITS &&
	    conf_types_count(key, base) >= key->max)
		return conf_types_refuse(why, "expected at most %u of them",
		    key->max);
	return types[key->type].parse(key, (char *)base + key->offset,
	    value, why);
}

size_t
conf_types_count(const struct conf_key *key, const void *base)
{
	const void *at = (const char *)base + key->offset;

	switch (types[key->type].shape) {
	case STRING:
		return *(const char *const *)at != NULL;
	case CHARS:
		return *(const char *)at != '\0';
	case PROXY:
		return ((const struct conf_proxy *)at)->kind != CONF_PROXY_NONE;
	case SERVERS:
		return ((const struct conf *)at)->nservers;
	case LISTENS:
		return ((const struct conf *)at)->nlistens;
	case BITS:
		return (size_t)__builtin_popcount(*(const unsigned *)at);
	case PREFIXES:
		return ((const struct conf_prefixes *)at)->n;
	case NAMES:
		return ((const struct conf_names *)at)->n;
	default:
		return 1;
	}
}

void
conf_types_print(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	types[key->type].print(out, key, (const char *)base + key->offset, item);
}

void
conf_types_free(const struct conf_key *key, void *base)
{
	void	    *at = (char *)base + key->offset;
	struct conf *conf = at;

	switch (types[key->type].shape) {
	case STRING:
		free(*(char **)at);
		*(char **)at = NULL; /* may be the place of two keys */
		break;
	case PROXY:
		free(((struct conf_proxy *)at)->host);
		break;
	case SERVERS:
		for (unsigned i = 0; i < conf->nservers; i++) {
			free(conf->servers[i].host);
			free(conf->servers[i].name);
		}
		break;
	case PREFIXES:
		free(((struct conf_prefixes *)at)->v);
		break;
	case NAMES:
		conf_names_free(at);
		break;
	default:
		break;
	}
}

bool
conf_types_refuse(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, CONF_WHY_SIZE, fmt, ap);
	va_end(ap);
	return false;
}

bool
conf_types_is_host(const char *text)
{
	struct addr addr;

	return addr_parse(&addr, text) || is_host_name(text);
}

bool
conf_types_set_string(char **string, const char *value, char *why)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return conf_types_refuse(why, "out of memory");
	free(*string);
	*string = copy;
	return true;
}

bool
conf_types_set_name(char **string, const char *value, char *why)
{
	size_t len = strlen(value);

	if (!conf_types_is_host(value))
		return conf_types_refuse(why,
		    "expected a host name or an address");
	if (!conf_types_set_string(string, value, why))
		return false;
	/* The root's dot is for look-ups; no certificate has one. */
	if ((*string)[len - 1] == '.')
		(*string)[len - 1] = '\0';
	return true;
}

static bool
is_host_name(const char *text)
{
	size_t len = strlen(text);

	/* What looks like a number would be looked up as an odd address. */
	return len > 0 && len <= HOST_MAX_LEN && text[0] != '-' &&
	    text[0] != '.' && strstr(text, "..") == NULL &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789.-_") == len &&
	    strspn(text, "0123456789.") != len;
}

/* ------------------------------------------------------------- reading */

static bool
parse_path(const struct conf_key *key, void *at, const char *value, char *why)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return conf_types_refuse(why,
			    "expected a path without control characters");
	}
	if (len > PATH_MAX_LEN)
		return conf_types_refuse(why, "expected at most %d bytes",
		    PATH_MAX_LEN);
	return conf_types_set_string(at, value, why);
}

static bool
parse_host(const struct conf_key *key, void *at, const char *value, char *why)
{
	return conf_types_set_name(at, value, why);
}

static bool
parse_port(const struct conf_key *key, void *at, const char *value, char *why)
{
	return endpoint_parse_port(at, value) ||
	    conf_types_refuse(why, "expected a port from 1 to 65535");
}

static bool
parse_number(const struct conf_key *key, void *at, const char *value, char *why)
{
	bool	    may_auto = (key->flags & CONF_KEY_AUTO) != 0;
	bool	    is_auto = may_auto && strcmp(value, "auto") == 0;
	const char *error;
	long long   n = strtonum(value, key->min, key->max, &error);

	if (!is_auto && (error != NULL || value[0] < '0' || value[0] > '9'))
		return conf_types_refuse(why,
		    "expected %sa number from %u to %u",
		    may_auto ? "auto or " : "", key->min, key->max);
	*(unsigned *)at = is_auto ? 0 : (unsigned)n;
	return true;
}

static bool
parse_bool(const struct conf_key *key, void *at, const char *value, char *why)
{
	bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;

	if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0)
		return conf_types_refuse(why, "expected yes or no");
	*(bool *)at = yes;
	return true;
}

static bool
parse_word(const struct conf_key *key, void *at, const char *value, char *why)
{
	return find_word(key, value, at, why);
}

static bool
parse_bits(const struct conf_key *key, void *at, const char *value, char *why)
{
	unsigned *bits = at, found, more;

	if (!find_word(key, value, &found, why))
		return false;
	more = key->words == &conf_words_offload && found == CONF_OFFLOADS ?
	    ALL_OFFLOADS :
	    1u << found;
	if ((*bits & more) == more)
		return conf_types_refuse(why, "is there already");
	*bits |= more;
	return true;
}

static bool
find_word(const struct conf_key *key, const char *value, unsigned *found,
    char *why)
{
	char	    list[CONF_WHY_SIZE];
	const char *lacks;
	unsigned    n;

	if (!words_find(key->words, value, &n))
		return conf_types_refuse(why, "expected %s",
		    words_print(key->words, list, sizeof(list)));
	if (key->words == &conf_words_auth && !conf_auth_is_built(n, &lacks))
		return conf_types_refuse(why, "%s", lacks);
	*found = n;
	return true;
}

/* It becomes a file's name in /etc/pam.d. */
static bool
parse_service(const struct conf_key *key, void *at, const char *value,
    char *why)
{
	size_t len = strlen(value);

	if (len > CONF_NAME_MAX || value[0] == '.' ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != len)
		return conf_types_refuse(why,
		    "expected a PAM service: at most %d of a-z, 0-9, \"_\", "
		    "\".\" and \"-\", no dot first", CONF_NAME_MAX);
	return conf_types_set_string(at, value, why);
}

static bool
parse_site(const struct conf_key *key, void *at, const char *value, char *why)
{
	if (!conf_is_site_name(value))
		return conf_types_refuse(why,
		    "expected at most 63 of a-z, 0-9, \".\", \"_\" and \"-\", "
		    "a letter or digit first");
	strlcpy(at, value, CONF_NAME_MAX + 1);
	return true;
}

static bool
parse_device(const struct conf_key *key, void *at, const char *value, char *why)
{
	size_t len = strlen(value);

	/* A subset of what Linux takes: it also ends up in nftables. */
	if (len == 0 || len > 15 || value[0] == '-' || value[0] == '.' ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			  "0123456789._-") != len)
		return conf_types_refuse(why,
		    "expected an interface name: at most 15 letters, digits, "
		    "\".\", \"_\" and \"-\"");
	strlcpy(at, value, 16);
	return true;
}

static bool
parse_mark(const struct conf_key *key, void *at, const char *value, char *why)
{
	char		  *end;
	unsigned long long n = strtoull(value, &end, 0), mask = UINT32_MAX;

	if (*end == '/')
		mask = strtoull(end + 1, &end, 0);
	if (value[strspn(value, "0123456789abcdefABCDEFx/")] != '\0' ||
	    *end != '\0' || n == 0 || mask > UINT32_MAX || (n & ~mask) != 0)
		return conf_types_refuse(why,
		    "expected VALUE/MASK, as 0x90/0xf0: a value that is not 0 "
		    "and lies in the mask");
	*(struct conf_mark *)at = (struct conf_mark) { (uint32_t)n,
		(uint32_t)mask };
	return true;
}

/* ------------------------------------------------------------- writing */

/* '#' begins a comment and '\' escapes, wherever they stand in a line. */
void
conf_types_print_string(FILE *out, const char *string)
{
	for (const char *p = string; *p != '\0'; p++) {
		if (*p == '#' || *p == '\\')
			fputc('\\', out);
		fputc(*p, out);
	}
}

static void
print_string(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	conf_types_print_string(out, *(const char *const *)at);
}

static void
print_port(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	fprintf(out, "%u", *(const uint16_t *)at);
}

static void
print_number(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	unsigned n = *(const unsigned *)at;

	if (n == 0 && (key->flags & CONF_KEY_AUTO) != 0)
		fputs("auto", out);
	else
		fprintf(out, "%u", n);
}

static void
print_bool(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	fputs(*(const bool *)at ? "yes" : "no", out);
}

static void
print_word(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	fputs(key->words->names[*(const unsigned *)at], out);
}

/* In the order of the enum. */
static void
print_bit(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	fputs(key->words->names[nth_bit(*(const unsigned *)at, item)], out);
}

/* The place of the `n`th that is set. */
static unsigned
nth_bit(unsigned bits, size_t n)
{
	while (n-- > 0)
		bits &= bits - 1;
	return (unsigned)__builtin_ctz(bits);
}

static void
print_chars(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	fputs(at, out);
}

static void
print_mark(FILE *out, const struct conf_key *key, const void *at, size_t item)
{
	const struct conf_mark *mark = at;

	fprintf(out, "%#x/%#x", mark->value, mark->mask);
}
