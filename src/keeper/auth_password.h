/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_password: verifies passwords against crypt(3) yescrypt hashes
 * (libxcrypt).
 *
 * Only yescrypt with costs that are neither easy to crack nor too much for the
 * host ("$y$j7T$" to "$y$jDT$", 4 to 256 MiB): crypt(3) itself would accept
 * settings without any cost, or of seconds.  An unknown site takes the same
 * time as a known one: the work is done on a constant hash with the cost of
 * auth_password_hash().
 *
 * Thread-safe; no state.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define AUTH_PASSWORD_MAX	511 /* bytes; the limit of crypt(3) */
#define AUTH_PASSWORD_HASH_SIZE 192 /* any hash we accept, with its NUL */

/*
 * Makes a hash with fresh salt: the line of a NAME.password file, without the
 * newline.  `size` must be at least AUTH_PASSWORD_HASH_SIZE. Takes some 20 ms
 * and 16 MiB. 0 or a negative errno value: -EINVAL for a password that is empty
 * or longer than AUTH_PASSWORD_MAX bytes, -ENOSPC if `size` is too small.
 */
int auth_password_hash(const char *password, char *hash, size_t size);

/* True if auth_password_verify() can accept a password for `hash`. */
bool auth_password_is_hash(const char *hash);

/*
 * True if the `len` bytes of `password` match `hash`. For NULL, or an invalid
 * hash, does the same work and returns false.
 */
bool auth_password_verify(const char *hash, const char *password, size_t len);

#endif /* AUTH_PASSWORD_H */
