/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxy: the protocol with a proxy until it connects us to the server.
 *
 * HTTP CONNECT with Basic authentication (RFC 9110 9.3.6, RFC 7617), and
 * SOCKS5 with user and password (RFC 1928, RFC 1929).  The server's name goes
 * to the proxy as it is: the proxy looks it up.
 *
 *   HTTP:    CONNECT ------------------------------> head ----> DONE
 *   SOCKS5:  methods ---> (user, password) --------> reply ---> DONE
 *
 * Pure: bytes in, bytes out.  Input from a proxy is hostile: only success or an
 * error number is taken from it.
 */
#ifndef PROXY_H
#define PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define PROXY_MAX_HEAD 4096 /* of an HTTP answer */

enum proxy_state {
	PROXY_HTTP_HEAD,
	PROXY_SOCKS_METHOD,
	PROXY_SOCKS_AUTH,
	PROXY_SOCKS_REPLY,
	PROXY_DONE,
	PROXY_FAILED
};

struct proxy {
	enum proxy_state state;
	const char	*host; /* borrowed */
	uint16_t	 port;
	char		 user[256], password[256];
	bool		 has_login;
	/* To be sent; the caller sets out_len to 0 when it is sent. */
	uint8_t out[2048];
	size_t	out_len;
	uint8_t in[PROXY_MAX_HEAD];
	size_t	in_len;
	char	why[96]; /* FAILED: the error message */
};

/*
 * Begins: fills `out`, or fails at once.  `login` is USER:PASSWORD or NULL;
 * `host` and `port` are the destination.
 */
void proxy_init(struct proxy *proxy, enum conf_proxy_kind kind,
    const char *host, uint16_t port, const char *login);
/* Wipes the login. */
void proxy_fini(struct proxy *proxy);

/* Processes received bytes.  No byte may follow the handshake. */
void proxy_take(struct proxy *proxy, const uint8_t *data, size_t len);

#endif /* PROXY_H */
