/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_words.h"

#include "base/nitems.h"
#include "conf/conf.h"

#define WORDS(what, ...)                                                       \
	static const char *const what##_names[] = { __VA_ARGS__ };             \
	const struct words conf_words_##what = { what##_names,            \
		nitems(what##_names) }

WORDS(aead, [CONF_AEAD_AUTO] = "auto", [CONF_AEAD_GNUTLS] = "gnutls");
WORDS(auth, [CONF_AUTH_SRP] = "srp", [CONF_AUTH_PASSWORD] = "password",
    [CONF_AUTH_PAM] = "pam", [CONF_AUTH_CERTIFICATE] = "certificate",
    [CONF_AUTH_TLS_SRP] = "tls-srp");
WORDS(auto, [CONF_NO] = "no", [CONF_YES] = "yes", [CONF_AUTO] = "auto");
WORDS(level, [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug");
WORDS(mode, [CONF_TAP] = "tap", [CONF_TUN] = "tun");
WORDS(offload, [CONF_OFFLOAD_CSUM] = "csum", [CONF_OFFLOAD_TSO4] = "tso4",
    [CONF_OFFLOAD_TSO6] = "tso6", [CONF_OFFLOAD_USO4] = "uso4",
    [CONF_OFFLOAD_USO6] = "uso6", [CONF_OFFLOAD_GSO] = "gso",
    [CONF_OFFLOAD_GRO] = "gro", [CONF_OFFLOADS] = "all");
WORDS(order, [CONF_ORDER_GIVEN] = "given", [CONF_ORDER_WEIGHT] = "weight");
WORDS(transport, [CONF_TRANSPORT_AUTO] = "auto", [CONF_TRANSPORT_UDP] = "udp",
    [CONF_TRANSPORT_TCP] = "tcp");
WORDS(when_down, [CONF_BLOCK] = "block", [CONF_BYPASS] = "bypass");
