/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/nitems.h"

#define PATH_MAX_LEN 1024 /* printed with escapes it still fits a line */
#define HOST_MAX_LEN 253

#define IN_CONF(field) offsetof(struct conf, field)
#define IN_SITE(field) offsetof(struct conf_site, field)

const struct conf_key conf_keys[CONF_NKEYS] = {
	{ CONF_IN_SERVER, "name", CONF_TYPE_HOST, CONF_KEY_REQUIRED,
	    IN_CONF(name), 0, 0, NULL, "vpn.example.org",
	    "The host name or address that sites connect to, and that the\n"
	    "certificate is made for." },
	{ CONF_IN_SERVER, "port", CONF_TYPE_PORT, 0, IN_CONF(port), 1, 65535,
	    "55555", NULL, "TCP and UDP." },
	{ CONF_IN_SERVER, "listen", CONF_TYPE_ADDR, 0, IN_CONF(listen), 0, 0,
	    "any", NULL, "One address to listen on; any: all, IPv4 and IPv6." },
	{ CONF_IN_SERVER, "certificate", CONF_TYPE_PATH, 0,
	    IN_CONF(certificate), 0, 0, "server.crt", NULL,
	    "PEM; a name without / is in the directory of this file." },
	{ CONF_IN_SERVER, "max-handshakes", CONF_TYPE_NUMBER, 0,
	    IN_CONF(max_handshakes), 1, 65536, "128", NULL,
	    "Connections that are not authenticated yet, at most." },
	{ CONF_IN_SERVER, "handshake-time", CONF_TYPE_NUMBER, 0,
	    IN_CONF(handshake_time_sec), 1, 600, "20", NULL,
	    "Seconds that a site may take to log in." },
	{ CONF_IN_SERVER, "keepalive", CONF_TYPE_NUMBER, 0,
	    IN_CONF(keepalive_sec), 1, CONF_MAX_KEEPALIVE, "10", NULL,
	    "Seconds of silence after which a site is asked for a sign of life." },
	{ CONF_IN_SERVER, "dead-peer", CONF_TYPE_NUMBER, 0,
	    IN_CONF(dead_peer_sec), 2, CONF_MAX_DEAD_PEER, "30", NULL,
	    "Seconds of silence after which a site is gone; more than keepalive." },
	{ CONF_IN_SERVER, "socket", CONF_TYPE_PATH, 0, IN_CONF(socket), 0, 0,
	    NULL, "/run/tombolo/tombolo.sock",
	    "Where tombolo status and the like find the daemon; by default\n"
	    "/run/tombolo/ and the name of this file's directory." },

	{ CONF_IN_CLIENT, "server", CONF_TYPE_SERVER, CONF_KEY_REQUIRED,
	    IN_CONF(server_host), 0, 0, NULL, "vpn.example.org:55555",
	    "The primary site: HOST, HOST:PORT or [V6]:PORT." },
	{ CONF_IN_CLIENT, "name", CONF_TYPE_HOST, 0, IN_CONF(server_name), 0, 0,
	    NULL, "vpn.example.org",
	    "What the server's certificate must say; by default the host above." },
	{ CONF_IN_CLIENT, "site", CONF_TYPE_SITE, CONF_KEY_REQUIRED,
	    IN_CONF(site), 0, 0, NULL, "berlin", "This site's name there." },
	{ CONF_IN_CLIENT, "auth", CONF_TYPE_AUTH, 0, IN_CONF(auth), 0, 0,
	    "password", NULL, "How this site proves who it is." },
	{ CONF_IN_CLIENT, "ca", CONF_TYPE_PATH, 0, IN_CONF(ca), 0, 0, "ca.crt",
	    NULL, "The only CA that may have signed the server's certificate." },
	{ CONF_IN_CLIENT, "subnet", CONF_TYPE_NETWORKS, CONF_KEY_TUN,
	    IN_CONF(subnets), 0, CONF_MAX_LIST, NULL, "10.0.7.0/24",
	    "A network behind this site, asked for; the server decides.\n"
	    "May be given again." },
	{ CONF_IN_CLIENT, "accept-default-route", CONF_TYPE_BOOL, CONF_KEY_TUN,
	    IN_CONF(accept_default_route), 0, 0, "no", NULL,
	    "Whether the server may send all traffic through the tunnel." },
	{ CONF_IN_CLIENT, "socket", CONF_TYPE_PATH, 0, IN_CONF(socket), 0, 0,
	    NULL, "/run/tombolo/tombolo.sock",
	    "Where tombolo status and the like find the daemon; by default\n"
	    "/run/tombolo/ and the name of this file's directory." },

	{ CONF_IN_INTERFACE, "mode", CONF_TYPE_MODE, 0, IN_CONF(mode), 0, 0,
	    "tap", NULL,
	    "tap: one Ethernet; tun: one routed network.  The same on both ends." },
	{ CONF_IN_INTERFACE, "device", CONF_TYPE_DEVICE, 0, IN_CONF(device), 0,
	    0, "tombolo0", NULL, "The interface that the daemon makes." },
	{ CONF_IN_INTERFACE, "bridge", CONF_TYPE_DEVICE, CONF_KEY_TAP,
	    IN_CONF(bridge), 0, 0, NULL, "br0",
	    "The bridge it joins.  Without one, the host alone is on the Ethernet." },
	{ CONF_IN_INTERFACE, "create-bridge", CONF_TYPE_BOOL, CONF_KEY_TAP,
	    IN_CONF(create_bridge), 0, 0, "no", NULL,
	    "Whether to make the bridge when it is not there." },
	{ CONF_IN_INTERFACE, "mtu", CONF_TYPE_NUMBER, CONF_KEY_AUTO,
	    IN_CONF(mtu), 1280, 9216, "auto", NULL,
	    "auto: tap, the bridge's or 1500; tun, 1400." },
	{ CONF_IN_INTERFACE, "path-mtu", CONF_TYPE_NUMBER, 0, IN_CONF(path_mtu),
	    1280, 9216, "1500", NULL,
	    "The largest packet to try on the way; what really fits is found out." },
	{ CONF_IN_INTERFACE, "workers", CONF_TYPE_NUMBER, CONF_KEY_AUTO,
	    IN_CONF(workers), 1, CONF_MAX_WORKERS, "auto", NULL,
	    "Threads of the data path; auto: one per CPU, at most 16." },
	{ CONF_IN_INTERFACE, "address", CONF_TYPE_ADDRESSES, 0,
	    IN_CONF(addresses), 0, CONF_MAX_LIST, NULL, "192.168.7.1/24",
	    "An address more for the interface.  May be given again." },
	{ CONF_IN_INTERFACE, "tunnel-network", CONF_TYPE_NETWORKS,
	    CONF_KEY_TUN | CONF_KEY_SERVER, IN_CONF(tunnel_networks), 0, 16,
	    NULL, "10.4.2.0/24",
	    "Where tunnel addresses come from; the first is the server's own.\n"
	    "May be given again." },
	{ CONF_IN_INTERFACE, "network", CONF_TYPE_NETWORKS,
	    CONF_KEY_TUN | CONF_KEY_SERVER, IN_CONF(networks), 0, CONF_MAX_LIST,
	    NULL, "10.0.0.0/24",
	    "A network here that sites get a route to; 0.0.0.0/0: everything.\n"
	    "May be given again." },
	{ CONF_IN_INTERFACE, "nat", CONF_TYPE_BOOL,
	    CONF_KEY_TUN | CONF_KEY_SERVER, IN_CONF(nat), 0, 0, "no", NULL,
	    "Whether what comes from sites leaves with this host's address." },
	{ CONF_IN_INTERFACE, "forward", CONF_TYPE_AUTO, CONF_KEY_TUN,
	    IN_CONF(forward), 0, 0, "auto", NULL,
	    "Whether to turn on IP forwarding; auto: where it is needed." },

	{ CONF_IN_SWITCH, "max-addresses", CONF_TYPE_NUMBER, CONF_KEY_TAP,
	    IN_CONF(max_addresses), 16, 1048576, "65536", NULL,
	    "MAC addresses that are remembered, at most." },
	{ CONF_IN_SWITCH, "max-addresses-per-site", CONF_TYPE_NUMBER,
	    CONF_KEY_TAP, IN_CONF(max_addresses_per_site), 1, 1048576, "4096",
	    NULL, "The same behind one site." },
	{ CONF_IN_SWITCH, "ageing", CONF_TYPE_NUMBER, CONF_KEY_TAP,
	    IN_CONF(ageing_sec), 10, 1000000, "300", NULL,
	    "Seconds after which a silent MAC address is forgotten." },
	{ CONF_IN_SWITCH, "loop-probe", CONF_TYPE_BOOL, CONF_KEY_TAP,
	    IN_CONF(loop_probe), 0, 0, "yes", NULL,
	    "Whether to look for a second way between joined LANs." },

	{ CONF_IN_SITE, "auth", CONF_TYPE_AUTH, 0, IN_SITE(auth), 0, 0,
	    "password", NULL, "How the site proves who it is." },
	{ CONF_IN_SITE, "disabled", CONF_TYPE_BOOL, 0, IN_SITE(disabled), 0, 0,
	    "no", NULL, "yes: it may not log in." },
	{ CONF_IN_SITE, "address", CONF_TYPE_HOSTS, CONF_KEY_TUN,
	    IN_SITE(addresses), 0, 16, NULL, "10.4.2.7",
	    "Its address in a tunnel network.  May be given again." },
	{ CONF_IN_SITE, "subnet", CONF_TYPE_NETWORKS, CONF_KEY_TUN,
	    IN_SITE(subnets), 0, CONF_MAX_LIST, NULL, "10.0.7.0/24",
	    "A network behind it.  May be given again." },
};

/* A type: reads text into, and writes text from, the place a row names. */
typedef bool parse_fn(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size);
typedef void print_fn(FILE *out, const struct conf_key *key, const void *base,
    size_t item);

static parse_fn parse_path, parse_host, parse_server, parse_port, parse_number,
    parse_addr, parse_bool, parse_auto, parse_mode, parse_auth, parse_site,
    parse_device, parse_prefixes;
static print_fn print_string, print_server, print_port, print_number,
    print_addr, print_bool, print_auto, print_mode, print_auth, print_chars,
    print_prefixes;

static const struct {
	parse_fn *parse;
	print_fn *print;
} types[] = {
	[CONF_TYPE_PATH] = { parse_path, print_string },
	[CONF_TYPE_HOST] = { parse_host, print_string },
	[CONF_TYPE_SERVER] = { parse_server, print_server },
	[CONF_TYPE_PORT] = { parse_port, print_port },
	[CONF_TYPE_NUMBER] = { parse_number, print_number },
	[CONF_TYPE_ADDR] = { parse_addr, print_addr },
	[CONF_TYPE_BOOL] = { parse_bool, print_bool },
	[CONF_TYPE_AUTO] = { parse_auto, print_auto },
	[CONF_TYPE_MODE] = { parse_mode, print_mode },
	[CONF_TYPE_AUTH] = { parse_auth, print_auth },
	[CONF_TYPE_SITE] = { parse_site, print_chars },
	[CONF_TYPE_DEVICE] = { parse_device, print_chars },
	[CONF_TYPE_HOSTS] = { parse_prefixes, print_prefixes },
	[CONF_TYPE_ADDRESSES] = { parse_prefixes, print_prefixes },
	[CONF_TYPE_NETWORKS] = { parse_prefixes, print_prefixes },
};

static const char *const section_names[CONF_SECTIONS] = {
	[CONF_IN_SERVER] = "server",
	[CONF_IN_CLIENT] = "client",
	[CONF_IN_INTERFACE] = "interface",
	[CONF_IN_SWITCH] = "switch",
	[CONF_IN_SITE] = "site",
};

static const char *const auto_names[] = {
	[CONF_NO] = "no",
	[CONF_YES] = "yes",
	[CONF_AUTO] = "auto",
};

static void *place(const struct conf_key *key, void *base);
static const void *place_const(const struct conf_key *key, const void *base);
static bool set_string(char **string, const char *value, char *why,
    size_t why_size);
static bool is_host_name(const char *text);
static bool check_prefix(const struct conf_key *key,
    const struct prefix *prefix, char *why, size_t why_size);

const struct conf_key *
conf_key_find(enum conf_section section, const char *name)
{
	for (size_t i = 0; i < CONF_NKEYS; i++) {
		if (conf_keys[i].section == section &&
		    strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	}
	return NULL;
}

bool
conf_key_is_list(const struct conf_key *key)
{
	return types[key->type].parse == parse_prefixes;
}

bool
conf_key_parse(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	return types[key->type].parse(key, base, value, why, why_size);
}

size_t
conf_key_count(const struct conf_key *key, const void *base)
{
	const void *at = place_const(key, base);

	switch (key->type) {
	case CONF_TYPE_PATH:
	case CONF_TYPE_HOST:
	case CONF_TYPE_SERVER:
		return *(const char *const *)at != NULL;
	case CONF_TYPE_SITE:
	case CONF_TYPE_DEVICE:
		return *(const char *)at != '\0';
	case CONF_TYPE_HOSTS:
	case CONF_TYPE_ADDRESSES:
	case CONF_TYPE_NETWORKS:
		return ((const struct conf_prefixes *)at)->n;
	default:
		return 1;
	}
}

void
conf_key_print(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	types[key->type].print(out, key, base, item);
}

const char *
conf_section_name(enum conf_section section)
{
	assert(section < CONF_SECTIONS);
	return section_names[section];
}

enum conf_section
conf_section_find(const char *name)
{
	unsigned i = 0;

	while (i < CONF_SECTIONS && strcmp(section_names[i], name) != 0)
		i++;
	return (enum conf_section)i;
}

enum conf_section
conf_role_section(enum conf_role role)
{
	return role == CONF_SERVER ? CONF_IN_SERVER : CONF_IN_CLIENT;
}

bool
conf_key_applies(const struct conf_key *key, enum conf_role role,
    enum conf_mode mode)
{
	if (key->section == CONF_IN_SERVER && role != CONF_SERVER)
		return false;
	if (key->section == CONF_IN_CLIENT && role != CONF_CLIENT)
		return false;
	if ((key->flags & CONF_KEY_SERVER) != 0 && role != CONF_SERVER)
		return false;
	if ((key->flags & CONF_KEY_TAP) != 0 && mode != CONF_TAP)
		return false;
	return (key->flags & CONF_KEY_TUN) == 0 || mode == CONF_TUN;
}

bool
conf_is_host(const char *text)
{
	struct addr addr;

	return addr_parse(&addr, text) || is_host_name(text);
}

static void *
place(const struct conf_key *key, void *base)
{
	return (char *)base + key->offset;
}

static const void *
place_const(const struct conf_key *key, const void *base)
{
	return (const char *)base + key->offset;
}

static bool
set_string(char **string, const char *value, char *why, size_t why_size)
{
	char *copy = strdup(value);

	if (copy == NULL) {
		strlcpy(why, "there is no memory for it", why_size);
		return false;
	}
	free(*string);
	*string = copy;
	return true;
}

static bool
is_host_name(const char *text)
{
	size_t len = strlen(text);

	/* What looks like a number would be looked up as an odd address. */
	return len > 0 && len <= HOST_MAX_LEN && text[0] != '-' &&
	    text[0] != '.' &&
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
		strlcpy(why, "expected a path without control characters",
		    why_size);
		return false;
	}
	if (len > PATH_MAX_LEN) {
		snprintf(why, why_size, "expected at most %u bytes",
		    PATH_MAX_LEN);
		return false;
	}
	return set_string(place(key, base), value, why, why_size);
}

static bool
parse_host(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	if (!conf_is_host(value)) {
		strlcpy(why, "expected a host name or an address", why_size);
		return false;
	}
	return set_string(place(key, base), value, why, why_size);
}

static bool
parse_server(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	struct conf *conf = base;
	char	     host[HOST_MAX_LEN + 1];
	uint16_t     port = CONF_PORT;

	(void)key;
	if (!endpoint_split(value, host, sizeof(host), &port) ||
	    !conf_is_host(host)) {
		strlcpy(why, "expected HOST, HOST:PORT or [V6]:PORT", why_size);
		return false;
	}
	if (!set_string(&conf->server_host, host, why, why_size))
		return false;
	conf->server_port = port;
	return true;
}

static bool
parse_port(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	const char *error;
	long long   n = strtonum(value, 1, UINT16_MAX, &error);

	if (error != NULL || value[0] < '0' || value[0] > '9') {
		strlcpy(why, "expected a port from 1 to 65535", why_size);
		return false;
	}
	*(uint16_t *)place(key, base) = (uint16_t)n;
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
		*(unsigned *)place(key, base) = 0;
		return true;
	}
	n = strtonum(value, key->min, key->max, &error);
	if (error != NULL || value[0] < '0' || value[0] > '9') {
		snprintf(why, why_size, "expected %sa number from %u to %u",
		    may_auto ? "auto or " : "", key->min, key->max);
		return false;
	}
	*(unsigned *)place(key, base) = (unsigned)n;
	return true;
}

static bool
parse_addr(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	struct addr addr = { 0 };

	if (strcmp(value, "any") != 0 && !addr_parse(&addr, value)) {
		strlcpy(why, "expected an IPv4 or IPv6 address, or any",
		    why_size);
		return false;
	}
	*(struct addr *)place(key, base) = addr;
	return true;
}

static bool
parse_bool(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;

	if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0) {
		strlcpy(why, "expected yes or no", why_size);
		return false;
	}
	*(bool *)place(key, base) = yes;
	return true;
}

static bool
parse_auto(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	for (size_t i = 0; i < nitems(auto_names); i++) {
		if (strcmp(value, auto_names[i]) != 0)
			continue;
		*(enum conf_auto *)place(key, base) = (enum conf_auto)i;
		return true;
	}
	strlcpy(why, "expected yes, no or auto", why_size);
	return false;
}

static bool
parse_mode(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	if (conf_mode_parse(place(key, base), value))
		return true;
	strlcpy(why, "expected tap or tun", why_size);
	return false;
}

static bool
parse_auth(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	if (conf_auth_parse(place(key, base), value))
		return true;
	strlcpy(why, "expected password, the only method here", why_size);
	return false;
}

static bool
parse_site(const struct conf_key *key, void *base, const char *value, char *why,
    size_t why_size)
{
	if (!conf_is_site_name(value)) {
		strlcpy(why,
		    "expected at most 63 of a-z, 0-9, \".\", \"_\" and \"-\", "
		    "a letter or digit first",
		    why_size);
		return false;
	}
	strlcpy(place(key, base), value, CONF_NAME_MAX + 1);
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
			  "0123456789._-") != len) {
		strlcpy(why,
		    "expected an interface name: at most 15 letters, digits, "
		    "\".\", \"_\" and \"-\"",
		    why_size);
		return false;
	}
	strlcpy(place(key, base), value, 16);
	return true;
}

static bool
parse_prefixes(const struct conf_key *key, void *base, const char *value,
    char *why, size_t why_size)
{
	struct conf_prefixes *list = place(key, base);
	struct prefix	      prefix, *bigger;

	if (!prefix_parse(&prefix, value)) {
		strlcpy(why, key->type == CONF_TYPE_HOSTS ?
		    "expected an IPv4 or IPv6 address" :
		    "expected ADDRESS/LENGTH, as 10.0.7.0/24 or fd00::/64",
		    why_size);
		return false;
	}
	if (!check_prefix(key, &prefix, why, why_size))
		return false;
	if (list->n >= key->max) {
		snprintf(why, why_size, "expected at most %u of them",
		    key->max);
		return false;
	}
	for (size_t i = 0; i < list->n; i++) {
		if (prefix_is_equal(&list->v[i], &prefix)) {
			strlcpy(why, "is there already", why_size);
			return false;
		}
	}
	bigger = reallocarray(list->v, list->n + 1, sizeof(*list->v));
	if (bigger == NULL) {
		strlcpy(why, "there is no memory for it", why_size);
		return false;
	}
	list->v = bigger;
	list->v[list->n++] = prefix;
	return true;
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
		strlcpy(why, "expected one address, without a length", why_size);
		return false;
	case CONF_TYPE_ADDRESSES:
		if (prefix_has_host_bits(prefix) ||
		    prefix->len + 1u >= addr_bits(prefix->addr.family) ||
		    prefix->addr.family == AF_INET6)
			return true;
		strlcpy(why,
		    "expected an address of the network, not the network itself",
		    why_size);
		return false;
	default:
		if (!prefix_has_host_bits(prefix))
			return true;
		snprintf(why, why_size, "has bits behind its length; write %s",
		    prefix_print(&network, text, sizeof(text)));
		return false;
	}
}

/* ------------------------------------------------------------- writing */

/* '#' begins a comment and '\' escapes, wherever they stand in a line. */
static void
print_string(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	const char *const *string = place_const(key, base);

	(void)item;
	for (const char *p = *string; *p != '\0'; p++) {
		if (*p == '#' || *p == '\\')
			fputc('\\', out);
		fputc(*p, out);
	}
}

static void
print_server(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	const struct conf *conf = base;
	bool		   v6 = strchr(conf->server_host, ':') != NULL;

	(void)key;
	(void)item;
	fprintf(out, v6 ? "[%s]:%u" : "%s:%u", conf->server_host,
	    conf->server_port);
}

static void
print_port(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	(void)item;
	fprintf(out, "%u", *(const uint16_t *)place_const(key, base));
}

static void
print_number(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	unsigned n = *(const unsigned *)place_const(key, base);

	(void)item;
	if (n == 0 && (key->flags & CONF_KEY_AUTO) != 0)
		fputs("auto", out);
	else
		fprintf(out, "%u", n);
}

static void
print_addr(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	const struct addr *addr = place_const(key, base);
	char		   text[ADDR_STRLEN];

	(void)item;
	if (addr->family == 0)
		fputs("any", out);
	else
		fputs(addr_print(addr, text, sizeof(text)), out);
}

static void
print_bool(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	(void)item;
	fputs(*(const bool *)place_const(key, base) ? "yes" : "no", out);
}

static void
print_auto(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	(void)item;
	fputs(auto_names[*(const enum conf_auto *)place_const(key, base)], out);
}

static void
print_mode(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	(void)item;
	fputs(conf_mode_name(*(const enum conf_mode *)place_const(key, base)),
	    out);
}

static void
print_auth(FILE *out, const struct conf_key *key, const void *base, size_t item)
{
	(void)item;
	fputs(conf_auth_name(*(const enum conf_auth *)place_const(key, base)),
	    out);
}

static void
print_chars(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	(void)item;
	fputs(place_const(key, base), out);
}

static void
print_prefixes(FILE *out, const struct conf_key *key, const void *base,
    size_t item)
{
	const struct conf_prefixes *list = place_const(key, base);
	char			    text[PREFIX_STRLEN];

	if (key->type == CONF_TYPE_HOSTS)
		addr_print(&list->v[item].addr, text, sizeof(text));
	else
		prefix_print(&list->v[item], text, sizeof(text));
	fputs(text, out);
}
