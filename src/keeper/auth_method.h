/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_method: how a site is verified with the line of its file
 * (credentials.h): one row per method.
 *
 * Thread-safe; no state, no files.
 */
#ifndef AUTH_METHOD_H
#define AUTH_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "conf/conf.h"
#include "proc/chan.h"

struct secret_store;

struct auth_method {
	/*
	 * Makes the line, without its end.  0, or a negative errno value:
	 * -EINVAL for a password that is empty or too long, -ENOSPC.
	 */
	int  (*make)(const char *site, const char *password, char *line,
	     size_t size);
	bool (*is_line)(const char *line);
	/*
	 * For handshakes other than TLS 1.3's, or NULL: serve() answers
	 * REQUEST_TLS_SRP on `fd`, with EAGAIN if `too_many`; may_sign()
	 * decides whether the RSA key may sign this: 0 and `flags`, or a
	 * negative errno value (-EPERM: a kind that nobody should ask for).
	 */
	int  (*serve)(const struct secret_store *store, int fd,
	     const struct chan_msg *msg, bool too_many,
	     struct log_limit *complaints);
	int  (*may_sign)(uint32_t kind, const uint8_t *hash, size_t len,
	     unsigned *flags);
};

/* From tls_srp/keeper/, if it is built. */
extern const struct auth_method auth_method_tls_srp;

/* NULL: the method has no such line, or this build lacks it. */
const struct auth_method *auth_method_find(enum conf_auth auth);

#endif /* AUTH_METHOD_H */
