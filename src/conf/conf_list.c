/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_list.h"

#include <stdlib.h>
#include <string.h>

static bool check_prefix(const struct conf_key *key,
    const struct prefix *prefix, char *why);
static bool add_name(struct conf_names *list, char *name, char *why);

bool
conf_list_parse_prefixes(const struct conf_key *key, void *at,
    const char *value, char *why)
{
	struct conf_prefixes *list = at;
	struct prefix	      prefix, *bigger;

	if (!prefix_parse(&prefix, value))
		return conf_types_refuse(why,
		    key->type == CONF_TYPE_HOSTS ?
			"expected an IPv4 or IPv6 address" :
			"expected ADDRESS/LENGTH, as 10.0.7.0/24 or fd00::/64");
	if (!check_prefix(key, &prefix, why))
		return false;
	if (prefix_list_has(list->v, list->n, &prefix))
		return conf_types_refuse(why, "is there already");
	bigger = reallocarray(list->v, list->n + 1, sizeof(*list->v));
	if (bigger == NULL)
		return conf_types_refuse(why, "out of memory");
	list->v = bigger;
	list->v[list->n++] = prefix;
	return true;
}

void
conf_list_print_prefixes(FILE *out, const struct conf_key *key, const void *at,
    size_t item)
{
	const struct prefix *prefix = &((const struct conf_prefixes *)at)->v[item];
	char		     text[PREFIX_STRLEN];

	fputs(key->type == CONF_TYPE_HOSTS ?
		addr_print(&prefix->addr, text, sizeof(text)) :
		prefix_print(prefix, text, sizeof(text)), out);
}

bool
conf_list_parse_domains(const struct conf_key *key, void *at,
    const char *value, char *why)
{
	char *copy = NULL;

	if (!conf_is_domain(value))
		return conf_types_refuse(why, "expected a domain, as example.org");
	return conf_types_set_string(&copy, value, why) &&
	    add_name(at, copy, why);
}

bool
conf_list_parse_names(const struct conf_key *key, void *at, const char *value,
    char *why)
{
	char *copy = NULL;

	return conf_types_set_name(&copy, value, why) && add_name(at, copy, why);
}

void
conf_list_print_names(FILE *out, const struct conf_key *key, const void *at,
    size_t item)
{
	fputs(((const struct conf_names *)at)->v[item], out);
}

/* Consumes `name`. */
static bool
add_name(struct conf_names *list, char *name, char *why)
{
	char **bigger = reallocarray(list->v, list->n + 1, sizeof(*list->v));
	size_t i = 0;

	if (bigger != NULL)
		list->v = bigger;
	while (i < list->n && strcasecmp(list->v[i], name) != 0)
		i++;
	if (bigger != NULL && i == list->n) {
		list->v[list->n++] = name;
		return true;
	}
	free(name);
	return conf_types_refuse(why,
	    bigger == NULL ? "out of memory" : "is there already");
}

static bool
check_prefix(const struct conf_key *key, const struct prefix *prefix, char *why)
{
	struct prefix network = prefix_network(prefix);
	unsigned      bits = addr_bits(prefix->addr.family);
	char	      text[PREFIX_STRLEN];

	if (key->type == CONF_TYPE_HOSTS)
		return prefix->len == bits || conf_types_refuse(why,
		    "expected one address, without a length");
	if (key->type == CONF_TYPE_ADDRESSES)
		return prefix_has_host_bits(prefix) || prefix->len + 1u >= bits ||
		    prefix->addr.family == AF_INET6 || conf_types_refuse(why,
		    "expected an address of the network, not the network "
		    "itself");
	return !prefix_has_host_bits(prefix) || conf_types_refuse(why,
	    "has bits behind its length; write %s",
	    prefix_print(&network, text, sizeof(text)));
}
