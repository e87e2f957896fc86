/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_password: passwords against crypt(3) yescrypt hashes (libxcrypt).
 *
 * Only yescrypt, and only costs that neither give a cracker a gift nor eat the
 * host ("$y$j7T$" to "$y$jDT$", 4 to 256 MiB): crypt(3) itself would take
 * settings without any cost, or of seconds.  An unknown site costs the same
 * time as a known one: the work is done on a constant hash of the cost that
 * auth_password_hash() uses.
 *
 * Thread-safe; no state.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define AUTH_PASSWORD_MAX	511 /* bytes; crypt(3) takes no more */
#define AUTH_PASSWORD_HASH_SIZE 192 /* any hash we accept, with its NUL */

/*
 * Makes a hash with fresh salt, the one line of a NAME.password file (without
 * the newline).  `size` is AUTH_PASSWORD_HASH_SIZE or more.  Takes some 20 ms
 * and 16 MiB.  0 or a negative errno value: -EINVAL for an empty password or
 * one of more than AUTH_PASSWORD_MAX bytes, -ENOSPC when `size` is too small.
 */
int auth_password_hash(const char *password, char *hash, size_t size);

/* Whether `hash` is one that auth_password_verify() can say yes to. */
bool auth_password_is_hash(const char *hash);

/*
 * Whether the `len` bytes of `password` belong to `hash`.  NULL, or something
 * that is no hash, is "unknown": the same work, and no.
 */
bool auth_password_verify(const char *hash, const char *password, size_t len);

#endif /* AUTH_PASSWORD_H */
