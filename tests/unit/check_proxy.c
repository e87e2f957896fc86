/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversations with proxies, and what is made of bad ones. */
#include <string.h>

#include "control/reach/proxy.h"
#include "unit.h"

#define HTTP  CONF_PROXY_HTTP
#define SOCKS CONF_PROXY_SOCKS5
#define YES4  "\5\0\0\1\0\0\0\0\0\0"

static struct proxy proxy;

/* What we say, then what it says, and so on; then the state. */
static const struct {
	const char	    *what;
	enum conf_proxy_kind kind;
	const char	    *host, *login;
	struct {
		const char *ours;
		size_t	    ours_len;
		const char *its;
		size_t	    its_len;
	} talk[3];
	const char *why; /* NULL: DONE */
} rows[] = {
#define SAY(ours, its) { ours, sizeof(ours) - 1, its, sizeof(its) - 1 }
	{ "http", HTTP, "vpn.example.org", NULL,
	    { SAY("CONNECT vpn.example.org:443 HTTP/1.1\r\n"
		  "Host: vpn.example.org:443\r\n\r\n",
		"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n") },
	    NULL },
	{ "http, IPv6, with a login", HTTP, "2001:db8::7", "user:pass:word",
	    { SAY("CONNECT [2001:db8::7]:443 HTTP/1.1\r\n"
		  "Host: [2001:db8::7]:443\r\n"
		  "Proxy-Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n") },
	    NULL },
	{ "http wants a login", HTTP, "a", NULL,
	    { SAY("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"HTTP/1.1 407 Authentication\r\n\r\n") },
	    "requires a user" },
	{ "http, wrong password", HTTP, "a", "u:p",
	    { SAY("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n"
		  "Proxy-Authorization: Basic dTpw\r\n\r\n",
		"HTTP/1.0 401 Unauthorized\r\n\r\n") },
	    "does not accept" },
	{ "http forbids", HTTP, "a", NULL,
	    { SAY("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"HTTP/1.1 403 Forbidden\r\n\r\n") },
	    "port 443" },
	{ "http says more", HTTP, "a", NULL,
	    { SAY("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n<") },
	    "is too long" },
	{ "no http", HTTP, "a", NULL,
	    { SAY("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"220 mail.example.org ESMTP\r\n\r\n") },
	    "does not speak HTTP" },
	{ "socks", SOCKS, "vpn.example.org", NULL,
	    { SAY("\5\1\0", "\5\0"),
		SAY("\5\1\0\3\17vpn.example.org\1\273", YES4) },
	    NULL },
	{ "socks, with a login", SOCKS, "192.0.2.1", "user:secret",
	    { SAY("\5\2\0\2", "\5\2"), SAY("\1\4user\6secret", "\1\0"),
		SAY("\5\1\0\1\300\0\2\1\1\273", "\5\0\0\3\1a\0\0") },
	    NULL },
	{ "socks, a login that is not asked for", SOCKS, "::1", "user:secret",
	    { SAY("\5\2\0\2", "\5\0"),
		SAY("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\273",
		    "\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	    NULL },
	{ "socks, wrong password", SOCKS, "a", "user:wrong",
	    { SAY("\5\2\0\2", "\5\2"), SAY("\1\4user\5wrong", "\1\1") },
	    "does not accept" },
	{ "socks wants a login", SOCKS, "a", NULL,
	    { SAY("\5\1\0", "\5\377") }, "requires a user" },
	{ "socks takes a login of nobody", SOCKS, "a", NULL,
	    { SAY("\5\1\0", "\5\2") }, "requires a user" },
	{ "socks, refused", SOCKS, "a", NULL,
	    { SAY("\5\1\0", "\5\0"),
		SAY("\5\1\0\3\1a\1\273", "\5\5\0\1\0\0\0\0\0\0") },
	    "connection refused" },
	{ "socks, an unknown trouble", SOCKS, "a", NULL,
	    { SAY("\5\1\0", "\5\0"),
		SAY("\5\1\0\3\1a\1\273", "\5\377\0\1\0\0\0\0\0\0") },
	    "SOCKS5 255" },
	{ "socks, an unknown address", SOCKS, "a", NULL,
	    { SAY("\5\1\0", "\5\0"), SAY("\5\1\0\3\1a\1\273", "\5\0\0\2\0") },
	    "does not speak SOCKS5" },
	{ "socks 4", SOCKS, "a", NULL, { SAY("\5\1\0", "\4\0") },
	    "does not speak SOCKS5" },
	{ "a login without a colon", HTTP, "a", "user", { { 0 } },
	    "USER:PASSWORD" },
	{ "a login without a password", SOCKS, "a", "user:", { { 0 } },
	    "USER:PASSWORD" },
};

static void
run(size_t i, size_t step)
{
	proxy_init(&proxy, rows[i].kind, rows[i].host, 443, rows[i].login);
	for (size_t j = 0; j < 3 && rows[i].talk[j].ours != NULL; j++) {
		size_t len = rows[i].talk[j].its_len;

		ck_assert_msg(proxy.out_len == rows[i].talk[j].ours_len &&
			memcmp(proxy.out, rows[i].talk[j].ours,
			    proxy.out_len) == 0,
		    "%s: %zu: we say %.*s", rows[i].what, j,
		    (int)proxy.out_len, (char *)proxy.out);
		proxy.out_len = 0;
		for (size_t k = 0; k < len; k += step)
			proxy_take(&proxy,
			    (const uint8_t *)rows[i].talk[j].its + k,
			    k + step < len ? step : len - k);
	}
	if (rows[i].why == NULL)
		ck_assert_msg(proxy.state == PROXY_DONE, "%s: %s",
		    rows[i].what, proxy.why);
	else
		ck_assert_msg(proxy.state == PROXY_FAILED &&
			strstr(proxy.why, rows[i].why) != NULL, "%s: %s",
		    rows[i].what, proxy.why);
	proxy_fini(&proxy);
}

START_TEST(each_conversation_ends_as_it_should)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		run(i, 1);
		run(i, 3);
		run(i, 4096);
	}
}
END_TEST

START_TEST(a_head_without_end_is_refused)
{
	proxy_init(&proxy, HTTP, "a", 1, NULL);
	for (int i = 0; i < 2 * PROXY_MAX_HEAD; i++)
		proxy_take(&proxy, (const uint8_t *)"x", 1);
	ck_assert_int_eq(proxy.state, PROXY_FAILED);
}
END_TEST

START_TEST(the_longest_fits)
{
	static char host[254], login[512];

	memset(host, 'h', sizeof(host) - 1);
	memset(login, 'l', sizeof(login) - 1);
	login[255] = ':';
	for (int kind = HTTP; kind <= SOCKS; kind++) {
		proxy_init(&proxy, (enum conf_proxy_kind)kind, host, 65535,
		    login);
		ck_assert_int_ne(proxy.state, PROXY_FAILED);
		ck_assert_uint_gt(proxy.out_len, 0);
	}
	login[255] = 'l';
	login[256] = ':';
	proxy_init(&proxy, HTTP, host, 65535, login);
	ck_assert_int_eq(proxy.state, PROXY_FAILED);
	proxy_fini(&proxy);
	ck_assert(memmem(&proxy, sizeof(proxy), "lll", 3) == NULL);
}
END_TEST

UNIT_MAIN("proxy", each_conversation_ends_as_it_should,
    a_head_without_end_is_refused, the_longest_fits)
