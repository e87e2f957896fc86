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

/* The members that are plain words. */
static const struct word {
	const char *key;
	size_t	    offset, size;
} words[] = {
#define WORD(member)                                                           \
	{ #member, offsetof(struct invite, member),                            \
		sizeof(((struct invite *)0)->member) }
	WORD(server), WORD(name), WORD(site), WORD(mode), WORD(auth),
#undef WORD
};

static const char *const routes[] = {
	[INVITE_NO_ROUTE] = NULL,
	[INVITE_OFFERED] = "offered",
	[INVITE_REQUIRED] = "required",
};

/* Text that grows, and forgets what it leaves behind. */
struct output {
	char  *text;
	size_t len, size;
};

static bool read_version(const json_t *root, char *why, size_t why_size);
static bool read_word(struct invite *invite, const json_t *root,
    const struct word *word, char *why, size_t why_size);
static bool read_port(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool read_ca(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool read_subnets(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool read_route(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool read_secret(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool read_pair(struct invite *invite, const json_t *root, char *why,
    size_t why_size);
static bool is_word(const char *text);
static void forget_secrets(json_t *root);
static void forget_secret(json_t *root, const char *member);
static bool put_subnets(json_t *root, const struct invite *invite);
static json_t *build(const struct invite *invite);
static bool put_string(json_t *root, const char *member, const char *text);
static int     add_output(const char *text, size_t len, void *arg);

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
	ok = read_version(root, why, why_size);
	for (size_t i = 0; ok && i < nitems(words); i++)
		ok = read_word(invite, root, &words[i], why, why_size);
	ok = ok && read_port(invite, root, why, why_size) &&
	    read_ca(invite, root, why, why_size) &&
	    read_subnets(invite, root, why, why_size) &&
	    read_route(invite, root, why, why_size) &&
	    read_secret(invite, root, why, why_size) &&
	    read_pair(invite, root, why, why_size);
	forget_secrets(root);
	json_decref(root);
	if (!ok)
		invite_fini(invite);
	return ok;
}

char *
invite_print(const struct invite *invite, size_t *len)
{
	struct output output = { 0 };
	json_t	     *root = build(invite);
	bool	      ok;

	ok = root != NULL &&
	    json_dump_callback(root, add_output, &output,
		JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII) == 0 &&
	    add_output("\n", 1, &output) == 0;
	forget_secrets(root);
	json_decref(root);
	if (!ok) {
		secret_free(output.text, output.size);
		return NULL;
	}
	*len = output.len;
	return output.text;
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
read_word(struct invite *invite, const json_t *root, const struct word *word,
    char *why, size_t why_size)
{
	const json_t *value = json_object_get(root, word->key);
	const char   *text = json_string_value(value);
	char	     *dst = (char *)invite + word->offset;

	if (text != NULL && is_word(text) &&
	    strlcpy(dst, text, word->size) < word->size)
		return true;
	snprintf(why, why_size, "has %s \"%s\"",
	    value == NULL ? "no" : "a bad", word->key);
	return false;
}

static bool
read_port(struct invite *invite, const json_t *root, char *why, size_t why_size)
{
	const json_t *value = json_object_get(root, "port");
	json_int_t    port = json_integer_value(value);

	if (!json_is_integer(value) || port < 1 || port > UINT16_MAX) {
		snprintf(why, why_size, "has %s \"port\"",
		    value == NULL ? "no" : "a bad");
		return false;
	}
	invite->port = (uint16_t)port;
	return true;
}

static bool
read_ca(struct invite *invite, const json_t *root, char *why, size_t why_size)
{
	const char *text = json_string_value(json_object_get(root, "ca"));

	if (text == NULL || !ca_is_ca(text, strlen(text))) {
		snprintf(why, why_size, "has no good \"ca\": expected one CA "
					"certificate in PEM");
		return false;
	}
	invite->ca = strdup(text);
	if (invite->ca == NULL)
		snprintf(why, why_size, "there is no memory for it");
	return invite->ca != NULL;
}

static bool
read_subnets(struct invite *invite, const json_t *root, char *why,
    size_t why_size)
{
	const json_t *list = json_object_get(root, "subnets");

	if (list == NULL)
		return true;
	snprintf(why, why_size, "has bad \"subnets\": expected a list of at "
				"most %d networks", INVITE_MAX_SUBNETS);
	if (!json_is_array(list) || json_array_size(list) > INVITE_MAX_SUBNETS)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text == NULL || !prefix_parse(&invite->subnets[i], text))
			return false;
		invite->nsubnets++;
	}
	return true;
}

static bool
read_route(struct invite *invite, const json_t *root, char *why,
    size_t why_size)
{
	const json_t *value = json_object_get(root, "default-route");
	const char   *text = json_string_value(value);

	if (value == NULL)
		return true;
	for (size_t i = INVITE_OFFERED; text != NULL && i < nitems(routes);
	    i++) {
		if (strcmp(text, routes[i]) == 0)
			invite->default_route = (enum invite_route)i;
	}
	if (invite->default_route != INVITE_NO_ROUTE)
		return true;
	snprintf(why, why_size, "has a bad \"default-route\": expected "
	    "\"offered\" or \"required\"");
	return false;
}

static bool
read_secret(struct invite *invite, const json_t *root, char *why,
    size_t why_size)
{
	const json_t *value = json_object_get(root, "secret");
	const char   *text = json_string_value(value);

	if (value == NULL)
		return true;
	if (text == NULL || *text == '\0' || strchr(text, '\n') != NULL ||
	    strlcpy(invite->secret, text, sizeof(invite->secret)) >=
		sizeof(invite->secret)) {
		snprintf(why, why_size,
		    "has a bad \"secret\": expected a line of 1 to %d bytes",
		    INVITE_SECRET_MAX);
		return false;
	}
	return true;
}

/* Both or none; and each to the other. */
static bool
read_pair(struct invite *invite, const json_t *root, char *why, size_t why_size)
{
	const json_t *cert = json_object_get(root, "certificate");
	const json_t *key = json_object_get(root, "key");
	const struct ca_pem cert_pem = {
		(char *)(uintptr_t)json_string_value(cert),
		json_string_length(cert)
	};
	const struct ca_pem key_pem = {
		(char *)(uintptr_t)json_string_value(key),
		json_string_length(key)
	};

	if (cert == NULL && key == NULL)
		return true;
	if (!json_is_string(cert) || !json_is_string(key) ||
	    !ca_is_pair(&cert_pem, &key_pem)) {
		snprintf(why, why_size, "has no good \"certificate\" and "
					"\"key\": expected one of each in PEM, "
					"that belong together");
		return false;
	}
	invite->certificate = strdup(cert_pem.text);
	invite->key = strdup(key_pem.text);
	if (invite->certificate != NULL && invite->key != NULL)
		return true;
	snprintf(why, why_size, "there is no memory for it");
	return false;
}

/* Nothing that means something to the configuration's lines. */
static bool
is_word(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text >= 0x7f ||
		    strchr("#\\[]=", *text) != NULL)
			return false;
	}
	return true;
}

/* jansson frees without wiping; its parser's own buffers are out of reach. */
static void
forget_secrets(json_t *root)
{
	forget_secret(root, "secret");
	forget_secret(root, "key");
}

static void
forget_secret(json_t *root, const char *member)
{
	const json_t *value = json_object_get(root, member);

	if (json_is_string(value))
		secret_wipe((void *)(uintptr_t)json_string_value(value),
		    json_string_length(value));
}

static bool
put_subnets(json_t *root, const struct invite *invite)
{
	json_t *list;
	char	text[PREFIX_STRLEN];

	if (invite->nsubnets == 0)
		return true;
	list = json_array();
	for (size_t i = 0; i < invite->nsubnets; i++)
		json_array_append_new(list,
		    json_string(prefix_print(&invite->subnets[i], text,
			sizeof(text))));
	return json_object_set_new(root, "subnets", list) == 0;
}

static json_t *
build(const struct invite *invite)
{
	json_t *root = json_pack("{s:i, s:s, s:i, s:s, s:s, s:s, s:s, s:s}",
	    VERSION_KEY, VERSION, "server", invite->server, "port",
	    (int)invite->port, "name", invite->name, "site", invite->site,
	    "mode", invite->mode, "auth", invite->auth, "ca", invite->ca);

	if (root != NULL && !put_subnets(root, invite)) {
		json_decref(root);
		return NULL;
	}
	if (root == NULL ||
	    (put_string(root, "default-route",
		 routes[invite->default_route]) &&
		put_string(root, "secret", invite->secret) &&
		put_string(root, "certificate", invite->certificate) &&
		put_string(root, "key", invite->key)))
		return root;
	forget_secrets(root);
	json_decref(root);
	return NULL;
}

/* Nothing, or an empty one, is left out. */
static bool
put_string(json_t *root, const char *member, const char *text)
{
	return text == NULL || *text == '\0' ||
	    json_object_set_new(root, member, json_string(text)) == 0;
}

static int
add_output(const char *text, size_t len, void *arg)
{
	struct output *output = arg;
	size_t	       size = output->size;
	char	      *bigger;

	if (output->len + len >= size) {
		size = (output->len + len + 1) * 2;
		bigger = malloc(size);
		if (bigger == NULL)
			return -1;
		if (output->text != NULL)
			memcpy(bigger, output->text, output->len);
		secret_free(output->text, output->size);
		output->text = bigger;
		output->size = size;
	}
	memcpy(output->text + output->len, text, len);
	output->len += len;
	output->text[output->len] = '\0';
	return 0;
}
