/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_types.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/nitems.h"
#include "conf/conf_endpoint.h"
#include "conf/conf_list.h"

#define PATH_MAX_LEN 1024 /* printed with escapes it still fits a line */
#define HOST_MAX_LEN CONF_ENDPOINT_MAX_HOST

/* A type: reads text into, and writes text from, the place a row names. */
typedef bool parse_fn(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size);
typedef void print_fn(FILE *out, const struct conf_key *key, const void *base,
    size_t item);

static parse_fn parse_path, parse_host, parse_port, parse_number, parse_bool,
    parse_level, parse_word, parse_auth, parse_auths, parse_offloads,
    parse_service, parse_site, parse_device, parse_mark;
static print_fn print_string, print_port, print_number, print_bool, print_level,
    print_word, print_bit, print_chars, print_mark;

static const char *const auto_names[] = {
	[CONF_NO] = "no",
	[CONF_YES] = "yes",
	[CONF_AUTO] = "auto",
};
static const struct conf_words autos = { auto_names, nitems(auto_names),
	"yes, no or auto" };

static const char *const when_down_names[] = {
	[CONF_BLOCK] = "block",
	[CONF_BYPASS] = "bypass",
};
static const struct conf_words when_downs = { when_down_names,
	nitems(when_down_names), "block or bypass" };

static const char *const aead_names[] = {
	[CONF_AEAD_AUTO] = "auto",
	[CONF_AEAD_GNUTLS] = "gnutls",
};
static const struct conf_words aeads = { aead_names, nitems(aead_names),
	"auto or gnutls" };

static const char *const order_names[] = {
	[CONF_ORDER_GIVEN] = "given",
	[CONF_ORDER_WEIGHT] = "weight",
};
static const struct conf_words orders = { order_names, nitems(order_names),
	"given or weight" };

static const struct {
	parse_fn *parse;
	print_fn *print;
} types[] = {
	[CONF_TYPE_PATH] = { parse_path, print_string },
	[CONF_TYPE_HOST] = { parse_host, print_string },
	[CONF_TYPE_SERVER] = { conf_endpoint_parse_server,
	    conf_endpoint_print_server },
	[CONF_TYPE_ORDER] = { parse_word, print_word },
	[CONF_TYPE_PROXY] = { conf_endpoint_parse_proxy,
	    conf_endpoint_print_proxy },
	[CONF_TYPE_PORT] = { parse_port, print_port },
	[CONF_TYPE_NUMBER] = { parse_number, print_number },
	[CONF_TYPE_LISTEN] = { conf_endpoint_parse_listen,
	    conf_endpoint_print_listen },
	[CONF_TYPE_BOOL] = { parse_bool, print_bool },
	[CONF_TYPE_AUTO] = { parse_word, print_word },
	[CONF_TYPE_LEVEL] = { parse_level, print_level },
	[CONF_TYPE_WHEN_DOWN] = { parse_word, print_word },
	[CONF_TYPE_AEAD] = { parse_word, print_word },
	[CONF_TYPE_MODE] = { parse_word, print_word },
	[CONF_TYPE_TRANSPORT] = { parse_word, print_word },
	[CONF_TYPE_AUTH] = { parse_auth, print_word },
	[CONF_TYPE_AUTHS] = { parse_auths, print_bit },
	[CONF_TYPE_OFFLOADS] = { parse_offloads, print_bit },
	[CONF_TYPE_SERVICE] = { parse_service, print_string },
	[CONF_TYPE_SITE] = { parse_site, print_chars },
	[CONF_TYPE_DEVICE] = { parse_device, print_chars },
	[CONF_TYPE_HOSTS] = { conf_list_parse_prefixes,
	    conf_list_print_prefixes },
	[CONF_TYPE_ADDRESSES] = { conf_list_parse_prefixes,
	    conf_list_print_prefixes },
	[CONF_TYPE_NETWORKS] = { conf_list_parse_prefixes,
	    conf_list_print_prefixes },
	[CONF_TYPE_MARK] = { parse_mark, print_mark },
	[CONF_TYPE_DOMAINS] = { conf_list_parse_domains,
	    conf_list_print_names },
	[CONF_TYPE_NAMES] = { conf_list_parse_names, conf_list_print_names },
};

/* What it is one of, or has a bit each of. */
static const struct conf_words *const words[] = {
	[CONF_TYPE_ORDER] = &orders,
	[CONF_TYPE_AUTO] = &autos,
	[CONF_TYPE_WHEN_DOWN] = &when_downs,
	[CONF_TYPE_AEAD] = &aeads,
	[CONF_TYPE_MODE] = &conf_modes,
	[CONF_TYPE_TRANSPORT] = &conf_transports,
	[CONF_TYPE_AUTH] = &conf_auths,
	[CONF_TYPE_AUTHS] = &conf_auths,
	[CONF_TYPE_OFFLOADS] = &conf_offloads,
};

#define ALL_OFFLOADS (CONF_OFFLOAD_BIT(CONF_OFFLOADS) - 1)

static bool read_method(enum conf_auth *auth, const char *value, char *why,
    size_t why_size);
static bool add_bits(unsigned *bits, unsigned more, char *why,
    size_t why_size);
static unsigned nth_bit(unsigned bits, size_t n);
static bool is_host_name(const char *text);

bool
conf_type_is_list(const struct conf_key *key)
{
	return types[key->type].parse == conf_list_parse_prefixes ||
	    key->type == CONF_TYPE_AUTHS || key->type == CONF_TYPE_OFFLOADS ||
	    key->type == CONF_TYPE_SERVER || key->type == CONF_TYPE_LISTEN ||
	    key->type == CONF_TYPE_DOMAINS || key->type == CONF_TYPE_NAMES;
}

bool
conf_type_parse(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	return types[key->type].parse(key, base, value, why, why_size);
}

size_t
conf_type_count(const struct conf_key *key, const void *base)
{
	const void *at = conf_key_place_const(key, base);

	switch (key->type) {
	case CONF_TYPE_PATH:
	case CONF_TYPE_HOST:
	case CONF_TYPE_SERVICE:
		return *(const char *const *)at != NULL;
	case CONF_TYPE_SERVER:
		return ((const struct conf *)base)->nservers;
	case CONF_TYPE_LISTEN:
		return ((const struct conf *)base)->nlistens;
	case CONF_TYPE_PROXY:
		return ((const struct conf_proxy *)at)->kind != CONF_PROXY_NONE;
	case CONF_TYPE_AUTHS:
	case CONF_TYPE_OFFLOADS:
		return (size_t)__builtin_popcount(*(const unsigned *)at);
	case CONF_TYPE_SITE:
	case CONF_TYPE_DEVICE:
		return *(const char *)at != '\0';
	case CONF_TYPE_HOSTS:
	case CONF_TYPE_ADDRESSES:
	case CONF_TYPE_NETWORKS:
		return ((const struct conf_prefixes *)at)->n;
	case CONF_TYPE_DOMAINS:
	case CONF_TYPE_NAMES:
		return ((const struct conf_names *)at)->n;
	default:
		return 1;
	}
}

void
conf_type_print(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	types[key->type].print(out, key, base, item);
}

bool
conf_type_refuse(char *why, size_t why_size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, why_size, fmt, ap);
	va_end(ap);
	return false;
}

bool
conf_type_is_host(const char *text)
{
	struct addr addr;

	return addr_parse(&addr, text) || is_host_name(text);
}

bool
conf_type_set_string(char **string, const char *value, char *why,
    size_t why_size)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return conf_type_refuse(why, why_size,
		    "there is no memory for it");
	free(*string);
	*string = copy;
	return true;
}

bool
conf_type_set_name(char **string, const char *value, char *why,
    size_t why_size)
{
	size_t len = strlen(value);

	if (!conf_type_is_host(value))
		return conf_type_refuse(why, why_size,
		    "expected a host name or an address");
	if (!conf_type_set_string(string, value, why, why_size))
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
parse_path(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] >= 0x20 && value[i] != 0x7f)
			continue;
		return conf_type_refuse(why, why_size,
		    "expected a path without control characters");
	}
	if (len > PATH_MAX_LEN)
		return conf_type_refuse(why, why_size,
		    "expected at most %d bytes", PATH_MAX_LEN);
	return conf_type_set_string(conf_key_place(key, base), value, why, why_size);
}

static bool
parse_host(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	return conf_type_set_name(conf_key_place(key, base), value, why,
	    why_size);
}

static bool
parse_port(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	const char *error;
	long long   n = strtonum(value, 1, UINT16_MAX, &error);

	if (error != NULL || value[0] < '0' || value[0] > '9')
		return conf_type_refuse(why, why_size,
		    "expected a port from 1 to 65535");
	*(uint16_t *)conf_key_place(key, base) = (uint16_t)n;
	return true;
}

static bool
parse_number(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	bool	    may_auto = (key->flags & CONF_KEY_AUTO) != 0;
	const char *error;
	long long   n;

	if (may_auto && strcmp(value, "auto") == 0) {
		*(unsigned *)conf_key_place(key, base) = 0;
		return true;
	}
	n = strtonum(value, key->min, key->max, &error);
	if (error != NULL || value[0] < '0' || value[0] > '9')
		return conf_type_refuse(why, why_size,
		    "expected %sa number from %u to %u",
		    may_auto ? "auto or " : "", key->min, key->max);
	*(unsigned *)conf_key_place(key, base) = (unsigned)n;
	return true;
}

static bool
parse_bool(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;

	if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0)
		return conf_type_refuse(why, why_size, "expected yes or no");
	*(bool *)conf_key_place(key, base) = yes;
	return true;
}

static bool
parse_level(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	if (log_level_parse(conf_key_place(key, base), value))
		return true;
	return conf_type_refuse(why, why_size,
	    "expected error, warn, info or debug");
}

static bool
parse_word(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	if (conf_word_parse(words[key->type], value, conf_key_place(key, base)))
		return true;
	return conf_type_refuse(why, why_size, "expected %s",
	    words[key->type]->expected);
}

static bool
parse_auth(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	return read_method(conf_key_place(key, base), value, why, why_size);
}

static bool
parse_auths(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	enum conf_auth auth;

	return read_method(&auth, value, why, why_size) &&
	    add_bits(conf_key_place(key, base), CONF_AUTH_BIT(auth), why, why_size);
}

static bool
add_bits(unsigned *bits, unsigned more, char *why, size_t why_size)
{
	if ((*bits & more) == more)
		return conf_type_refuse(why, why_size, "is there already");
	*bits |= more;
	return true;
}

static bool
parse_offloads(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	unsigned *bits = conf_key_place(key, base), offload;

	if (strcmp(value, "all") == 0)
		return add_bits(bits, ALL_OFFLOADS, why, why_size);
	if (conf_word_parse(&conf_offloads, value, &offload))
		return add_bits(bits, CONF_OFFLOAD_BIT(offload), why, why_size);
	return conf_type_refuse(why, why_size, "expected %s",
	    conf_offloads.expected);
}

static bool
read_method(enum conf_auth *auth, const char *value, char *why, size_t why_size)
{
	const char    *lacks;
	enum conf_auth found;

	if (!conf_auth_parse(&found, value))
		return conf_type_refuse(why, why_size, "expected %s",
		    conf_auths.expected);
	if (!conf_auth_is_built(found, &lacks))
		return conf_type_refuse(why, why_size, "%s", lacks);
	*auth = found;
	return true;
}

/* It becomes a file's name in /etc/pam.d. */
static bool
parse_service(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	size_t len = strlen(value);

	if (len > CONF_NAME_MAX || value[0] == '.' ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != len)
		return conf_type_refuse(why, why_size,
		    "expected a PAM service: at most %d of a-z, 0-9, \"_\", "
		    "\".\" and \"-\", no dot first", CONF_NAME_MAX);
	return conf_type_set_string(conf_key_place(key, base), value, why, why_size);
}

static bool
parse_site(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	if (!conf_is_site_name(value))
		return conf_type_refuse(why, why_size,
		    "expected at most 63 of a-z, 0-9, \".\", \"_\" and \"-\", "
		    "a letter or digit first");
	strlcpy(conf_key_place(key, base), value, CONF_NAME_MAX + 1);
	return true;
}

static bool
parse_device(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	size_t len = strlen(value);

	/* A subset of what Linux takes: it also ends up in nftables. */
	if (len == 0 || len > 15 || value[0] == '-' || value[0] == '.' ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			  "0123456789._-") != len)
		return conf_type_refuse(why, why_size,
		    "expected an interface name: at most 15 letters, digits, "
		    "\".\", \"_\" and \"-\"");
	strlcpy(conf_key_place(key, base), value, 16);
	return true;
}

static bool
parse_mark(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	struct conf_mark *mark = conf_key_place(key, base);
	char		 *end;
	unsigned long long n = strtoull(value, &end, 0), mask = UINT32_MAX;

	if (*end == '/')
		mask = strtoull(end + 1, &end, 0);
	if (value[strspn(value, "0123456789abcdefABCDEFx/")] != '\0' ||
	    *end != '\0' || n == 0 || mask > UINT32_MAX || (n & ~mask) != 0)
		return conf_type_refuse(why, why_size,
		    "expected VALUE/MASK, as 0x90/0xf0: a value that is not 0 "
		    "and lies in the mask");
	*mark = (struct conf_mark) { (uint32_t)n, (uint32_t)mask };
	return true;
}

/* ------------------------------------------------------------- writing */

/* '#' begins a comment and '\' escapes, wherever they stand in a line. */
void
conf_type_print_string(FILE *out, const char *string)
{
	for (const char *p = string; *p != '\0'; p++) {
		if (*p == '#' || *p == '\\')
			fputc('\\', out);
		fputc(*p, out);
	}
}

static void
print_string(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	const char *const *string = conf_key_place_const(key, base);

	(void)item;
	conf_type_print_string(out, *string);
}

static void
print_port(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	(void)item;
	fprintf(out, "%u", *(const uint16_t *)conf_key_place_const(key, base));
}

static void
print_number(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	unsigned n = *(const unsigned *)conf_key_place_const(key, base);

	(void)item;
	if (n == 0 && (key->flags & CONF_KEY_AUTO) != 0)
		fputs("auto", out);
	else
		fprintf(out, "%u", n);
}

static void
print_bool(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	(void)item;
	fputs(*(const bool *)conf_key_place_const(key, base) ? "yes" : "no", out);
}

static void
print_level(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	(void)item;
	fputs(log_level_name(
		  *(const enum log_level *)conf_key_place_const(key, base)), out);
}

static void
print_word(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	const unsigned *is = conf_key_place_const(key, base);

	(void)item;
	fputs(words[key->type]->names[*is], out);
}

/* In the order of the enum. */
static void
print_bit(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	const unsigned *bits = conf_key_place_const(key, base);

	fputs(words[key->type]->names[nth_bit(*bits, item)], out);
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
print_chars(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	(void)item;
	fputs(conf_key_place_const(key, base), out);
}

static void
print_mark(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	const struct conf_mark *mark = conf_key_place_const(key, base);

	(void)item;
	fprintf(out, "%#x/%#x", mark->value, mark->mask);
}
