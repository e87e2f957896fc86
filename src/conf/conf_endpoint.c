/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_endpoint.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/nitems.h"

#define HOST_MAX_LEN CONF_ENDPOINT_MAX_HOST

static bool parse_server_words(struct conf_server *server, char *rest,
    char *why);
static char *next_word(char **rest);
static void print_host_port(FILE *out, const char *host, uint16_t port);

static const char *const proxy_schemes[] = {
	[CONF_PROXY_NONE] = "",
	[CONF_PROXY_HTTP] = "http://",
	[CONF_PROXY_SOCKS5] = "socks5://",
};

bool
conf_endpoint_parse_server(const struct conf_key *key, void *at,
    const char *value, char *why)
{
	struct conf	  *conf = at;
	struct conf_server server = { .port = CONF_PORT, .weight = 1 };
	char		   text[2 * HOST_MAX_LEN + 64], host[HOST_MAX_LEN + 1];
	char		  *rest = text, *word;

	if (strlcpy(text, value, sizeof(text)) >= sizeof(text) ||
	    (word = next_word(&rest)) == NULL ||
	    !endpoint_split(word, host, sizeof(host), &server.port) ||
	    !conf_types_is_host(host))
		return conf_types_refuse(why,
		    "expected HOST, HOST:PORT or [V6]:PORT, the port from 1 "
		    "to 65535");
	for (unsigned i = 0; i < conf->nservers; i++) {
		if (strcmp(conf->servers[i].host, host) == 0 &&
		    conf->servers[i].port == server.port)
			return conf_types_refuse(why, "is there already");
	}
	if (!parse_server_words(&server, rest, why) ||
	    !conf_types_set_string(&server.host, host, why)) {
		free(server.name);
		return false;
	}
	conf->servers[conf->nservers++] = server;
	return true;
}

static bool
parse_server_words(struct conf_server *server, char *rest, char *why)
{
	char *word, *value;

	while ((word = next_word(&rest)) != NULL) {
		const char *error = "";
		long long   weight;

		value = next_word(&rest);
		if (strcmp(word, "weight") == 0 && value != NULL) {
			weight = strtonum(value, 1, 1000, &error);
			server->weight = (unsigned)weight;
		} else if (strcmp(word, "name") == 0 && value != NULL &&
		    server->name == NULL && conf_types_is_host(value)) {
			error = NULL;
			if (!conf_types_set_name(&server->name, value, why))
				return false;
		}
		if (error != NULL)
			return conf_types_refuse(why,
			    "expected \"weight\" and a number from 1 to 1000, "
			    "or \"name\" and a host, behind the hub");
	}
	return true;
}

/* NULL at the end. */
static char *
next_word(char **rest)
{
	char *word;

	do
		word = strsep(rest, " \t");
	while (word != NULL && *word == '\0');
	return word;
}

bool
conf_endpoint_parse_proxy(const struct conf_key *key, void *at,
    const char *value, char *why)
{
	struct conf_proxy *proxy = at;
	char		   host[HOST_MAX_LEN + 1];
	uint16_t	   port = 0;

	for (unsigned i = CONF_PROXY_HTTP; i < nitems(proxy_schemes); i++) {
		size_t len = strlen(proxy_schemes[i]);

		if (strncmp(value, proxy_schemes[i], len) != 0 ||
		    !endpoint_split(value + len, host, sizeof(host), &port) ||
		    port == 0 || !conf_types_is_host(host))
			continue;
		proxy->kind = (enum conf_proxy_kind)i;
		proxy->port = port;
		return conf_types_set_string(&proxy->host, host, why);
	}
	return conf_types_refuse(why,
	    "expected http://HOST:PORT or socks5://HOST:PORT; a user and "
	    "password are a line in keeper/proxy");
}

void
conf_endpoint_print_server(FILE *out, const struct conf_key *key,
    const void *at, size_t item)
{
	const struct conf	 *conf = at;
	const struct conf_server *server = &conf->servers[item];
	const char *name = conf->server_name != NULL ? conf->server_name :
						       server->host;

	print_host_port(out, server->host, server->port);
	if (server->weight != 1)
		fprintf(out, " weight %u", server->weight);
	if (server->name != NULL && strcmp(server->name, name) != 0)
		fprintf(out, " name %s", server->name);
}

static void
print_host_port(FILE *out, const char *host, uint16_t port)
{
	bool v6 = strchr(host, ':') != NULL;

	fprintf(out, v6 ? "[%s]:%u" : "%s:%u", host, port);
}

void
conf_endpoint_print_proxy(FILE *out, const struct conf_key *key,
    const void *at, size_t item)
{
	const struct conf_proxy *proxy = at;

	fputs(proxy_schemes[proxy->kind], out);
	print_host_port(out, proxy->host, proxy->port);
}

bool
conf_endpoint_parse_listen(const struct conf_key *key, void *at,
    const char *value, char *why)
{
	struct conf	  *conf = at;
	struct conf_listen listen = { .port = 0 };
	char		   host[HOST_MAX_LEN + 1];

	if (!endpoint_split(value, host, sizeof(host), &listen.port) ||
	    (strcmp(host, "any") != 0 && !addr_parse(&listen.addr, host)))
		return conf_types_refuse(why,
		    "expected an IPv4 or IPv6 address or any, or ADDRESS:PORT, "
		    "[V6]:PORT, any:PORT");
	for (unsigned i = 0; i < conf->nlistens; i++) {
		if (addr_is_equal(&conf->listens[i].addr, &listen.addr) &&
		    conf->listens[i].port == listen.port)
			return conf_types_refuse(why, "is there already");
	}
	conf->listens[conf->nlistens++] = listen;
	return true;
}

void
conf_endpoint_print_listen(FILE *out, const struct conf_key *key,
    const void *at, size_t item)
{
	const struct conf	 *conf = at;
	const struct conf_listen *listen = &conf->listens[item];
	char			  text[ADDR_STRLEN] = "any";

	if (listen->addr.family != 0)
		addr_print(&listen->addr, text, sizeof(text));
	if (listen->port != 0)
		print_host_port(out, text, listen->port);
	else
		fputs(text, out);
}
