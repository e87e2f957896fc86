/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_list.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "conf/conf.h"
#include "conf/conf_types.h"

static bool check_prefix(const struct conf_key *key,
    const struct prefix *prefix, char *why, size_t why_size);
static bool add_name(const struct conf_key *key, void *base, char *name,
    char *why, size_t why_size);

bool
conf_list_parse_prefixes(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size)
{
	struct conf_prefixes *list = conf_key_place(key, base);
	struct prefix	      prefix, *bigger;

	if (!prefix_parse(&prefix, value))
		return conf_type_refuse(why, why_size,
		    key->type == CONF_TYPE_HOSTS ?
			"expected an IPv4 or IPv6 address" :
			"expected ADDRESS/LENGTH, as 10.0.7.0/24 or fd00::/64");
	if (!check_prefix(key, &prefix, why, why_size))
		return false;
	if (list->n >= key->max)
		return conf_type_refuse(why, why_size,
		    "expected at most %u of them", key->max);
	for (size_t i = 0; i < list->n; i++) {
		if (prefix_is_equal(&list->v[i], &prefix))
			return conf_type_refuse(why, why_size,
			    "is there already");
	}
	bigger = reallocarray(list->v, list->n + 1, sizeof(*list->v));
	if (bigger == NULL)
		return conf_type_refuse(why, why_size,
		    "there is no memory for it");
	list->v = bigger;
	list->v[list->n++] = prefix;
	return true;
}

void
conf_list_print_prefixes(FILE *out, const struct conf_key *key,
    const void *base, size_t item)
{
	const struct conf_prefixes *list = conf_key_place_const(key, base);
	char			    text[PREFIX_STRLEN];

	if (key->type == CONF_TYPE_HOSTS)
		addr_print(&list->v[item].addr, text, sizeof(text));
	else
		prefix_print(&list->v[item], text, sizeof(text));
	fputs(text, out);
}

bool
conf_list_parse_domains(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size)
{
	char *copy = NULL;

	if (!conf_is_domain(value))
		return conf_type_refuse(why, why_size,
		    "expected a domain, as example.org");
	return conf_type_set_string(&copy, value, why, why_size) &&
	    add_name(key, base, copy, why, why_size);
}

bool
conf_list_parse_names(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size)
{
	char *copy = NULL;

	return conf_type_set_name(&copy, value, why, why_size) &&
	    add_name(key, base, copy, why, why_size);
}

void
conf_list_print_names(FILE *out, const struct conf_key *key,
    const void *base, size_t item)
{
	const struct conf_names *list = conf_key_place_const(key, base);

	fputs(list->v[item], out);
}

/* Consumes `name`. */
static bool
add_name(const struct conf_key *key, void *base, char *name, char *why,
    size_t why_size)
{
	struct conf_names *list = conf_key_place(key, base);
	char		 **bigger;

	if (list->n >= key->max) {
		snprintf(why, why_size, "expected at most %u of them",
		    key->max);
		goto fail;
	}
	for (size_t i = 0; i < list->n; i++) {
		if (strcasecmp(list->v[i], name) == 0) {
			strlcpy(why, "is there already", why_size);
			goto fail;
		}
	}
	bigger = reallocarray(list->v, list->n + 1, sizeof(*list->v));
	if (bigger == NULL) {
		strlcpy(why, "there is no memory for it", why_size);
		goto fail;
	}
	list->v = bigger;
	list->v[list->n++] = name;
	return true;
fail:
	free(name);
	return false;
}

static bool
check_prefix(const struct conf_key *key, const struct prefix *prefix, char *why,
    size_t why_size)
{
	struct prefix network = prefix_network(prefix);
	char	      text[PREFIX_STRLEN];

	switch (key->type) {
	case CONF_TYPE_HOSTS:
		if (prefix->len == addr_bits(prefix->addr.family))
			return true;
		return conf_type_refuse(why, why_size,
		    "expected one address, without a length");
	case CONF_TYPE_ADDRESSES:
		if (prefix_has_host_bits(prefix) ||
		    prefix->len + 1u >= addr_bits(prefix->addr.family) ||
		    prefix->addr.family == AF_INET6)
			return true;
		return conf_type_refuse(why, why_size,
		    "expected an address of the network, not the network "
		    "itself");
	default:
		if (!prefix_has_host_bits(prefix))
			return true;
		return conf_type_refuse(why, why_size,
		    "has bits behind its length; write %s",
		    prefix_print(&network, text, sizeof(text)));
	}
}
