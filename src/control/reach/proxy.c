/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/proxy.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>
#include <nettle/base64.h>

#include "base/addr.h"
#include "base/secret.h"

#define SOCKS_VERSION	    5
#define SOCKS_NO_AUTH	    0
#define SOCKS_PASSWORD	    2
#define SOCKS_CONNECT	    1
#define SOCKS_IP4	    1
#define SOCKS_NAME	    3
#define SOCKS_IP6	    4
#define SOCKS_AUTH_VERSION  1

static bool take_login(struct proxy *proxy, const char *login);
static void say_connect(struct proxy *proxy);
static void say_methods(struct proxy *proxy);
static void say_login(struct proxy *proxy);
static void say_request(struct proxy *proxy);
static bool take_byte(struct proxy *proxy);
static void on_head(struct proxy *proxy);
static void on_status(struct proxy *proxy, unsigned status);
static void on_method(struct proxy *proxy);
static void on_auth(struct proxy *proxy);
static size_t reply_len(const struct proxy *proxy);
static void on_reply(struct proxy *proxy);
static void expect(struct proxy *proxy, enum proxy_state state);
static void put(struct proxy *proxy, const void *data, size_t len);
static void put_u8(struct proxy *proxy, unsigned value);
static void put_text(struct proxy *proxy, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));
static void fail(struct proxy *proxy, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

void
proxy_init(struct proxy *proxy, enum conf_proxy_kind kind, const char *host,
    uint16_t port, const char *login)
{
	*proxy = (struct proxy) { .host = host, .port = port };
	if (login != NULL && !take_login(proxy, login))
		fail(proxy, "keeper/proxy must be USER:PASSWORD, each of at "
		    "most 255 bytes");
	else if (kind == CONF_PROXY_HTTP)
		say_connect(proxy);
	else
		say_methods(proxy);
}

void
proxy_fini(struct proxy *proxy)
{
	secret_wipe(proxy, sizeof(*proxy));
	proxy->state = PROXY_FAILED;
}

void
proxy_take(struct proxy *proxy, const uint8_t *data, size_t len)
{
	while (len > 0 && proxy->state != PROXY_FAILED) {
		/* The server waits for us to speak first. */
		if (proxy->state == PROXY_DONE ||
		    proxy->in_len == sizeof(proxy->in)) {
			fail(proxy, "the proxy's answer is too long");
			return;
		}
		proxy->in[proxy->in_len++] = *data++;
		len--;
		if (take_byte(proxy))
			proxy->in_len = 0;
	}
}

/* Returns true if the message was complete, and consumes it. */
static bool
take_byte(struct proxy *proxy)
{
	size_t n = proxy->in_len;

	switch (proxy->state) {
	case PROXY_HTTP_HEAD:
		if (n < 4 || memcmp(proxy->in + n - 4, "\r\n\r\n", 4) != 0)
			return false;
		on_head(proxy);
		return true;
	case PROXY_SOCKS_METHOD:
		if (n < 2)
			return false;
		on_method(proxy);
		return true;
	case PROXY_SOCKS_AUTH:
		if (n < 2)
			return false;
		on_auth(proxy);
		return true;
	case PROXY_SOCKS_REPLY:
		if (n < reply_len(proxy))
			return false;
		on_reply(proxy);
		return true;
	case PROXY_DONE:
	case PROXY_FAILED:
		break;
	}
	return true;
}

/* The first colon: a password may have others. */
static bool
take_login(struct proxy *proxy, const char *login)
{
	const char *colon = strchr(login, ':');
	size_t	    len;

	if (colon == NULL)
		return false;
	len = (size_t)(colon - login);
	if (len == 0 || len >= sizeof(proxy->user) || colon[1] == '\0' ||
	    strlen(colon + 1) >= sizeof(proxy->password))
		return false;
	memcpy(proxy->user, login, len);
	proxy->user[len] = '\0';
	strlcpy(proxy->password, colon + 1, sizeof(proxy->password));
	proxy->has_login = true;
	return true;
}

/* --------------------------------------------------------------- HTTP */

static void
say_connect(struct proxy *proxy)
{
	bool  v6 = strchr(proxy->host, ':') != NULL;
	char  where[320], plain[sizeof(proxy->user) + sizeof(proxy->password)];
	char  coded[BASE64_ENCODE_RAW_LENGTH(sizeof(plain)) + 1];
	size_t len;

	snprintf(where, sizeof(where), v6 ? "[%.255s]:%u" : "%.255s:%u",
	    proxy->host, proxy->port);
	put_text(proxy, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", where, where);
	if (proxy->has_login) {
		len = (size_t)snprintf(plain, sizeof(plain), "%s:%s",
		    proxy->user, proxy->password);
		base64_encode_raw(coded, len, (const uint8_t *)plain);
		coded[BASE64_ENCODE_RAW_LENGTH(len)] = '\0';
		put_text(proxy, "Proxy-Authorization: Basic %s\r\n", coded);
		secret_wipe(plain, sizeof(plain));
		secret_wipe(coded, sizeof(coded));
	}
	put_text(proxy, "\r\n");
	expect(proxy, PROXY_HTTP_HEAD);
}

/* "HTTP/1.1 200 anything"; the other lines are ignored. */
static void
on_head(struct proxy *proxy)
{
	const uint8_t *in = proxy->in;

	if (proxy->in_len < 16 || memcmp(in, "HTTP/1.", 7) != 0 ||
	    in[8] != ' ' || (in[12] != ' ' && in[12] != '\r')) {
		fail(proxy, "the proxy does not speak HTTP");
		return;
	}
	for (int i = 9; i < 12; i++) {
		if (in[i] < '0' || in[i] > '9') {
			fail(proxy, "the proxy does not speak HTTP");
			return;
		}
	}
	on_status(proxy, (in[9] - '0') * 100u + (in[10] - '0') * 10u +
	    (in[11] - '0'));
}

static void
on_status(struct proxy *proxy, unsigned status)
{
	if (status >= 200 && status < 300)
		proxy->state = PROXY_DONE;
	else if (status == 407 || status == 401) /* 401: tinyproxy */
		fail(proxy, proxy->has_login ?
		    "the proxy does not accept the user and password in "
		    "keeper/proxy" :
		    "the proxy requires a user and password: see keeper/proxy");
	else if (status == 403 || status == 405)
		fail(proxy, "the proxy does not allow port %u (HTTP %u)",
		    proxy->port, status);
	else
		fail(proxy, "the proxy does not connect: HTTP %u", status);
}

/* -------------------------------------------------------------- SOCKS5 */

static void
say_methods(struct proxy *proxy)
{
	put_u8(proxy, SOCKS_VERSION);
	put_u8(proxy, proxy->has_login ? 2 : 1);
	put_u8(proxy, SOCKS_NO_AUTH);
	if (proxy->has_login)
		put_u8(proxy, SOCKS_PASSWORD);
	expect(proxy, PROXY_SOCKS_METHOD);
}

static void
on_method(struct proxy *proxy)
{
	if (proxy->in[0] != SOCKS_VERSION)
		fail(proxy, "the proxy does not speak SOCKS5");
	else if (proxy->in[1] == SOCKS_NO_AUTH)
		say_request(proxy);
	else if (proxy->in[1] == SOCKS_PASSWORD && proxy->has_login)
		say_login(proxy);
	else
		fail(proxy, proxy->has_login ?
		    "the proxy does not accept a password (SOCKS5 method %u)" :
		    "the proxy requires a user and password: see keeper/proxy "
		    "(SOCKS5 method %u)", proxy->in[1]);
}

static void
say_login(struct proxy *proxy)
{
	put_u8(proxy, SOCKS_AUTH_VERSION);
	put_u8(proxy, (unsigned)strlen(proxy->user));
	put(proxy, proxy->user, strlen(proxy->user));
	put_u8(proxy, (unsigned)strlen(proxy->password));
	put(proxy, proxy->password, strlen(proxy->password));
	expect(proxy, PROXY_SOCKS_AUTH);
}

static void
on_auth(struct proxy *proxy)
{
	if (proxy->in[1] == 0)
		say_request(proxy);
	else
		fail(proxy, "the proxy does not accept the user and password "
		    "in keeper/proxy");
}

static void
say_request(struct proxy *proxy)
{
	size_t	    len = strlen(proxy->host);
	struct addr addr;

	if (len > 255) {
		fail(proxy, "the hub's name is too long for SOCKS5");
		return;
	}
	put_u8(proxy, SOCKS_VERSION);
	put_u8(proxy, SOCKS_CONNECT);
	put_u8(proxy, 0);
	if (addr_parse(&addr, proxy->host)) {
		put_u8(proxy, addr.family == AF_INET ? SOCKS_IP4 : SOCKS_IP6);
		put(proxy, addr.bytes, addr_bits(addr.family) / 8);
	} else {
		put_u8(proxy, SOCKS_NAME);
		put_u8(proxy, (unsigned)len);
		put(proxy, proxy->host, len);
	}
	put_u8(proxy, proxy->port >> 8);
	put_u8(proxy, proxy->port & 0xff);
	expect(proxy, PROXY_SOCKS_REPLY);
}

/* What we know of it so far. */
static size_t
reply_len(const struct proxy *proxy)
{
	if (proxy->in_len < 5)
		return 5;
	switch (proxy->in[3]) {
	case SOCKS_IP4:
		return 4 + 4 + 2;
	case SOCKS_IP6:
		return 4 + 16 + 2;
	case SOCKS_NAME:
		return 4 + 1 + (size_t)proxy->in[4] + 2;
	default:
		return 5; /* it is refused */
	}
}

static void
on_reply(struct proxy *proxy)
{
	static const char *const whys[] = {
		[1] = "it failed",
		[2] = "its rules forbid it",
		[3] = "the network cannot be reached",
		[4] = "the host cannot be reached",
		[5] = "connection refused",
		[6] = "it took too long",
		[7] = "it cannot connect",
		[8] = "it does not support this type of address",
	};
	const uint8_t *in = proxy->in;

	if (in[0] != SOCKS_VERSION || in[2] != 0 ||
	    (in[3] != SOCKS_IP4 && in[3] != SOCKS_IP6 && in[3] != SOCKS_NAME))
		fail(proxy, "the proxy does not speak SOCKS5");
	else if (in[1] == 0)
		proxy->state = PROXY_DONE;
	else
		fail(proxy, "the proxy does not connect: %s (SOCKS5 %u)",
		    in[1] < sizeof(whys) / sizeof(whys[0]) ? whys[in[1]] :
							     "unknown reason",
		    in[1]);
}

/* ------------------------------------------------------- what they share */

/* Unless the message did not fit. */
static void
expect(struct proxy *proxy, enum proxy_state state)
{
	if (proxy->state != PROXY_FAILED)
		proxy->state = state;
}

static void
put(struct proxy *proxy, const void *data, size_t len)
{
	if (len > sizeof(proxy->out) - proxy->out_len) {
		fail(proxy, "the request to the proxy is too long");
		return;
	}
	memcpy(proxy->out + proxy->out_len, data, len);
	proxy->out_len += len;
}

static void
put_u8(struct proxy *proxy, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put(proxy, &byte, 1);
}

static void
put_text(struct proxy *proxy, const char *fmt, ...)
{
	char	text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(proxy, text, strlen(text));
	secret_wipe(text, sizeof(text));
}

static void
fail(struct proxy *proxy, const char *fmt, ...)
{
	va_list ap;

	proxy->state = PROXY_FAILED;
	proxy->out_len = 0;
	va_start(ap, fmt);
	vsnprintf(proxy->why, sizeof(proxy->why), fmt, ap);
	va_end(ap);
}
