/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * yescrypt: the slow, memory-hard hash of crypt(3) (libxcrypt), and which of its
 * settings we take.
 *
 * A setting is "$y$j9T$SALT": cost and salt.  Only costs that neither give a
 * cracker a gift nor eat the host, "$y$j7T$" to "$y$jDT$", 4 to 256 MiB:
 * crypt(3) itself would take settings without any cost, or of seconds.
 *
 * Thread-safe; no state.
 */
#ifndef YESCRYPT_H
#define YESCRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YESCRYPT_SETTING_SIZE 128 /* any setting we take, with its NUL */
#define YESCRYPT_HASH_SIZE    192 /* the same with the digest behind it */
#define YESCRYPT_SALT_LEN     16  /* bytes of the salts we make */

/* A setting of our own cost with fresh salt. */
void yescrypt_new_setting(char setting[YESCRYPT_SETTING_SIZE]);

/* The same with this salt: of the form that fresh ones have. */
void yescrypt_make_setting(char setting[YESCRYPT_SETTING_SIZE],
    const uint8_t salt[YESCRYPT_SALT_LEN]);

/* Bytes of the setting that `text` begins with; 0: none that we take. */
size_t yescrypt_setting_len(const char *text);

/*
 * The hash of `password` (NUL-terminated): the setting, '$' and the digest.
 * Takes 20 ms and 16 MiB at our cost.  False: no memory, or a setting that
 * crypt(3) refuses.
 */
bool yescrypt_hash(const char *password, const char *setting, char *hash,
    size_t size);

#endif /* YESCRYPT_H */
