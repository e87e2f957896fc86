/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pki/invite.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/json_safe.h"
#include "base/members.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/ca.h"

#define VERSION_KEY "tombolo-invitation"
#define VERSION	    1

#define GROUP  4
#define GROUPS 7

static bool is_word(const void *text);
static bool is_secret(const void *text);
static bool is_psk(const void *text);

static const char *const route_names[] = {
	[INVITE_NO_ROUTE] = "",
	[INVITE_OFFERED] = "offered",
	[INVITE_REQUIRED] = "required",
};
static const struct words routes = { route_names, nitems(route_names) };

#define AT(m) MEMBER_AT(struct invite, m)
#define IF(m) MEMBER_IF(struct invite, m)

/* clang-format off */
static const struct member members[] = {
	{ "server", MEMBER_TEXT, 1, AT(server), .is_good = is_word },
	{ "port", MEMBER_NUMBER, 1, AT(port), .min = 1, .max = UINT16_MAX },
	{ "name", MEMBER_TEXT, 1, AT(name), .is_good = is_word },
	{ "site", MEMBER_TEXT, 1, AT(site), .is_good = is_word },
	{ "mode", MEMBER_TEXT, 1, AT(mode), .is_good = is_word },
	{ "auth", MEMBER_TEXT, 1, AT(auth), .is_good = is_word },
	{ "ca", MEMBER_STRING, 1, AT(ca) },
	{ "subnets", MEMBER_PREFIXES, 1, IF(nsubnets),
	    MEMBER_LIST(struct invite, subnets, nsubnets, INVITE_MAX_SUBNETS),
	    .expected = "a list of at most 64 networks" },
	{ "default-route", MEMBER_WORD, 1, AT(default_route), IF(default_route),
	    .words = &routes, .min = INVITE_OFFERED,
	    .expected = "\"offered\" or \"required\"" },
	{ "secret", MEMBER_TEXT, 1, AT(secret), IF(secret), .is_good = is_secret,
	    .expected = "a line of 1 to 511 bytes" },
	{ "psk", MEMBER_TEXT, 1, AT(psk), IF(psk), .is_good = is_psk,
	    .expected = "8 and 64 hexadecimal digits" },
	{ "certificate", MEMBER_STRING, 1, AT(certificate), IF(certificate) },
	{ "key", MEMBER_STRING, 1, AT(key), IF(key) },
};
/* clang-format on */
static_assert(INVITE_MAX_SUBNETS == 64 && INVITE_SECRET_MAX == 511, "as said");

static bool read_version(const json_t *root, char *why, size_t why_size);
static bool read_members(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool check_pems(const struct invite *invite, char *why, size_t why_size);

void
invite_fini(struct invite *invite)
{
	members_free(members, nitems(members), invite);
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
		/* The error's text may quote the file, perhaps a secret. */
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
	json_decref(root);
	if (!ok)
		invite_fini(invite);
	return ok;
}

char *
invite_print(const struct invite *invite, size_t *len)
{
	json_t *root = json_pack("{s:i}", VERSION_KEY, VERSION);
	char   *text = NULL;

	if (members_encode(members, nitems(members), 1, invite, root))
		text = json_safe_print(root, JSON_INDENT(2) |
			JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII, "\n", len);
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
	const struct member *bad = members_decode(members, nitems(members), 1,
	    invite, root);

	if (bad == NULL)
		return true;
	snprintf(why, why_size, "has %s \"%s\"%s%s",
	    json_object_get(root, bad->name) == NULL ? "no" : "a bad",
	    bad->name, bad->expected != NULL ? ": expected " : "",
	    bad->expected != NULL ? bad->expected : "");
	return false;
}

/* No characters with a meaning in a configuration line. */
static bool
is_word(const void *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f || strchr("#\\[]=", *p) != NULL)
			return false;
	}
	return *(const char *)text != '\0';
}

static bool
is_secret(const void *text)
{
	return *(const char *)text != '\0' && strpbrk(text, "\r\n") == NULL;
}

/* As in the keeper's file. */
static bool
is_psk(const void *text)
{
	static const char digits[] = "0123456789abcdef";
	const char	 *psk = text;

	return strspn(psk, digits) == 8 && psk[8] == ' ' &&
	    strspn(psk + 9, digits) == 64 && psk[INVITE_PSK_LEN] == '\0';
}

/* The site's certificate and key: both or none, and they must match. */
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
