/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pki/invite.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/ca.h"

#define VERSION_KEY "tombolo-invitation"
#define VERSION	    1

#define GROUP  4
#define GROUPS 7

/* `at` is the member of the struct, of `size` bytes; a writer's NULL: none. */
typedef bool read_fn(void *at, size_t size, const json_t *value);
typedef json_t *write_fn(const void *at);

static read_fn read_word, read_port, read_string, read_route, read_secret,
    read_psk, read_subnets;
static write_fn write_text, write_port, write_string, write_route,
    write_subnets;

static const struct member {
	const char *name;
	bool	    required;
	read_fn	   *read;
	write_fn   *write;
	size_t	    offset, size;
	const char *expected; /* NULL: there is nothing to explain */
} members[] = {
#define AT(member)                                                             \
	offsetof(struct invite, member), sizeof(((struct invite *)0)->member)
	{ "server", true, read_word, write_text, AT(server), NULL },
	{ "port", true, read_port, write_port, AT(port), NULL },
	{ "name", true, read_word, write_text, AT(name), NULL },
	{ "site", true, read_word, write_text, AT(site), NULL },
	{ "mode", true, read_word, write_text, AT(mode), NULL },
	{ "auth", true, read_word, write_text, AT(auth), NULL },
	{ "ca", true, read_string, write_string, AT(ca), NULL },
	{ "subnets", false, read_subnets, write_subnets, 0,
	    sizeof(struct invite), "a list of at most 64 networks" },
	{ "default-route", false, read_route, write_route, AT(default_route),
	    "\"offered\" or \"required\"" },
	{ "secret", false, read_secret, write_text, AT(secret),
	    "a line of 1 to 511 bytes" },
	{ "psk", false, read_psk, write_text, AT(psk),
	    "8 and 64 hexadecimal digits" },
	{ "certificate", false, read_string, write_string, AT(certificate),
	    NULL },
	{ "key", false, read_string, write_string, AT(key), NULL },
#undef AT
};
static_assert(INVITE_MAX_SUBNETS == 64 && INVITE_SECRET_MAX == 511, "as said");

static const char *const routes[] = {
	[INVITE_OFFERED] = "offered",
	[INVITE_REQUIRED] = "required",
};

static bool read_version(const json_t *root, char *why, size_t why_size);
static bool read_members(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool check_pems(const struct invite *invite, char *why, size_t why_size);
static json_t *build(const struct invite *invite);
static void forget_secrets(json_t *root);

void
invite_fini(struct invite *invite)
{
	free(invite->ca);
	free(invite->certificate);
	if (invite->key != NULL)
		secret_free(invite->key, strlen(invite->key) + 1);
	secret_wipe(invite, sizeof(*invite));
}

bool
invite_parse(struct invite *invite, const char *text, size_t len, char *why,
    size_t why_size)
{
	json_error_t error;
	json_t	    *root;
	bool	     ok;

	*invite = (struct invite) { 0 };
	if (len > INVITE_MAX) {
		snprintf(why, why_size, "is larger than any invitation");
		return false;
	}
	if (text_begin(&text, &len) < 0) {
		snprintf(why, why_size, "%s", text_explain(-EILSEQ));
		return false;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(root)) {
		/* The error's own text may quote the file: a secret perhaps. */
		if (root == NULL)
			snprintf(why, why_size,
			    "is no invitation: not JSON, from line %d on",
			    error.line);
		else
			snprintf(why, why_size,
			    "is no invitation: not a JSON object");
		json_decref(root);
		return false;
	}
	ok = read_version(root, why, why_size) &&
	    read_members(invite, root, why, why_size) &&
	    check_pems(invite, why, why_size);
	forget_secrets(root);
	json_decref(root);
	if (!ok)
		invite_fini(invite);
	return ok;
}

char *
invite_print(const struct invite *invite, size_t *len)
{
	const size_t flags = JSON_INDENT(2) | JSON_PRESERVE_ORDER |
	    JSON_ENSURE_ASCII;
	json_t *root = build(invite);
	char   *text = NULL;

	*len = json_dumpb(root, NULL, 0, flags);
	if (*len > 0)
		text = malloc(*len + 2);
	if (text != NULL) {
		json_dumpb(root, text, *len, flags);
		memcpy(text + (*len)++, "\n", 2);
	}
	forget_secrets(root);
	json_decref(root);
	return text;
}

void
invite_draw_secret(char *dst, size_t size)
{
	static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char	  drawn[GROUP * GROUPS];
	size_t		  n = 0;

	static_assert(sizeof(alphabet) - 1 == 32, "five bits a letter");
	static_assert(GROUPS * (GROUP + 1) - 1 == INVITE_SECRET_LEN, "");
	assert(size > INVITE_SECRET_LEN);
	secret_random(drawn, sizeof(drawn));
	for (size_t i = 0; i < sizeof(drawn); i++) {
		if (i > 0 && i % GROUP == 0)
			dst[n++] = '-';
		dst[n++] = alphabet[drawn[i] % 32];
	}
	dst[n] = '\0';
	secret_wipe(drawn, sizeof(drawn));
}

static bool
read_version(const json_t *root, char *why, size_t why_size)
{
	const json_t *value = json_object_get(root, VERSION_KEY);

	if (json_is_integer(value) && json_integer_value(value) == VERSION)
		return true;
	if (json_is_integer(value))
		snprintf(why, why_size,
		    "is of another version than this program reads (%d)",
		    VERSION);
	else
		snprintf(why, why_size, "is no invitation: no \"%s\"",
		    VERSION_KEY);
	return false;
}

static bool
read_members(struct invite *invite, const json_t *root, char *why,
    size_t why_size)
{
	for (size_t i = 0; i < nitems(members); i++) {
		const struct member *member = &members[i];
		const json_t	    *value = json_object_get(root, member->name);
		void		    *at = (char *)invite + member->offset;

		if (value == NULL ? !member->required :
				    member->read(at, member->size, value))
			continue;
		snprintf(why, why_size, "has %s \"%s\"%s%s",
		    value == NULL ? "no" : "a bad", member->name,
		    member->expected != NULL ? ": expected " : "",
		    member->expected != NULL ? member->expected : "");
		return false;
	}
	return true;
}

/* Nothing that means something to the configuration's lines. */
static bool
read_word(void *at, size_t size, const json_t *value)
{
	const char *text = json_string_value(value);

	for (const char *p = text; p != NULL && *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f || strchr("#\\[]=", *p) != NULL)
			return false;
	}
	return text != NULL && *text != '\0' && strlcpy(at, text, size) < size;
}

static bool
read_port(void *at, size_t size, const json_t *value)
{
	json_int_t port = json_integer_value(value);

	*(uint16_t *)at = (uint16_t)port;
	return json_is_integer(value) && port >= 1 && port <= UINT16_MAX;
}

static bool
read_string(void *at, size_t size, const json_t *value)
{
	char *copy = json_is_string(value) ? strdup(json_string_value(value)) :
					     NULL;

	*(char **)at = copy;
	return copy != NULL;
}

static bool
read_route(void *at, size_t size, const json_t *value)
{
	const char *text = json_string_value(value);
	unsigned    i = INVITE_OFFERED;

	while (text != NULL && i < nitems(routes) && strcmp(text, routes[i]) != 0)
		i++;
	*(enum invite_route *)at = (enum invite_route)i;
	return text != NULL && i < nitems(routes);
}

static bool
read_secret(void *at, size_t size, const json_t *value)
{
	const char *text = json_string_value(value);

	return text != NULL && *text != '\0' && strchr(text, '\n') == NULL &&
	    strlcpy(at, text, size) < size;
}

/* As the keeper's file has it. */
static bool
read_psk(void *at, size_t size, const json_t *value)
{
	static const char digits[] = "0123456789abcdef";
	const char	 *text = json_string_value(value);

	return text != NULL && strspn(text, digits) == 8 && text[8] == ' ' &&
	    strspn(text + 9, digits) == 64 && strlcpy(at, text, size) < size;
}

static bool
read_subnets(void *at, size_t size, const json_t *value)
{
	struct invite *invite = at;

	if (!json_is_array(value) || json_array_size(value) > INVITE_MAX_SUBNETS)
		return false;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));

		if (text == NULL || !prefix_parse(&invite->subnets[i], text))
			return false;
		invite->nsubnets++;
	}
	return true;
}

/* The site's own: both or none, and each to the other. */
static bool
check_pems(const struct invite *invite, char *why, size_t why_size)
{
	const char *cert = invite->certificate, *key = invite->key;

	if (!ca_is_ca(invite->ca, strlen(invite->ca)))
		snprintf(why, why_size, "has a bad \"ca\": expected one CA "
		    "certificate in PEM");
	else if ((cert != NULL || key != NULL) &&
	    (cert == NULL || key == NULL ||
		!ca_is_pair(&(struct ca_pem) { invite->certificate, strlen(cert) },
		    &(struct ca_pem) { invite->key, strlen(key) })))
		snprintf(why, why_size, "has a bad \"certificate\" or \"key\": "
		    "expected one of each in PEM, that belong together");
	else
		return true;
	return false;
}

static json_t *
build(const struct invite *invite)
{
	json_t *root = json_pack("{s:i}", VERSION_KEY, VERSION);
	int	r = root == NULL ? -1 : 0;

	for (size_t i = 0; r == 0 && i < nitems(members); i++) {
		json_t *value = members[i].write(
		    (const char *)invite + members[i].offset);

		if (value != NULL)
			r = json_object_set_new(root, members[i].name, value);
		else if (members[i].required)
			r = -1;
	}
	if (r == 0)
		return root;
	forget_secrets(root);
	json_decref(root);
	return NULL;
}

static json_t *
write_text(const void *at)
{
	return *(const char *)at != '\0' ? json_string(at) : NULL;
}

static json_t *
write_port(const void *at)
{
	return json_integer(*(const uint16_t *)at);
}

static json_t *
write_string(const void *at)
{
	return json_string(*(const char *const *)at);
}

static json_t *
write_route(const void *at)
{
	return json_string(routes[*(const enum invite_route *)at]);
}

static json_t *
write_subnets(const void *at)
{
	const struct invite *invite = at;
	json_t		    *list = json_array();
	char		     text[PREFIX_STRLEN];

	for (size_t i = 0; i < invite->nsubnets; i++)
		json_array_append_new(list,
		    json_string(prefix_print(&invite->subnets[i], text,
			sizeof(text))));
	if (invite->nsubnets > 0)
		return list;
	json_decref(list);
	return NULL;
}

/* jansson frees without wiping; its parser's own buffers are out of reach. */
static void
forget_secrets(json_t *root)
{
	static const char *const names[] = { "secret", "psk", "key" };

	for (size_t i = 0; i < nitems(names); i++) {
		const json_t *value = json_object_get(root, names[i]);

		if (json_is_string(value))
			secret_wipe((void *)(uintptr_t)json_string_value(value),
			    json_string_length(value));
	}
}
