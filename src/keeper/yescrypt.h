/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * yescrypt: the slow, memory-hard hash of crypt(3) (libxcrypt), and which
 * settings are accepted.
 *
 * A setting is "$y$j9T$SALT": cost and salt.  Only costs that are neither easy
 * to crack nor too much for the host are accepted, "$y$j7T$" to "$y$jDT$", 4 to
 * 256 MiB: crypt(3) itself would accept settings without any cost, or of
 * seconds.
 *
 * Thread-safe; no state.
 */
#ifndef YESCRYPT_H
#define YESCRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YESCRYPT_SETTING_SIZE 128 /* any setting we accept, with its NUL */
#define YESCRYPT_HASH_SIZE    192 /* the same with the digest appended */
#define YESCRYPT_SALT_LEN     16  /* bytes of salts that we make */

/* Makes a setting of our own cost with fresh salt. */
void yescrypt_new_setting(char setting[YESCRYPT_SETTING_SIZE]);

/* The same with this salt, in the same form. */
void yescrypt_make_setting(char setting[YESCRYPT_SETTING_SIZE],
    const uint8_t salt[YESCRYPT_SALT_LEN]);

/* Length of the setting that `text` begins with; 0: none that we accept. */
size_t yescrypt_setting_len(const char *text);

/*
 * Makes the hash of `password` (NUL-terminated): the setting, '$' and the
 * digest.  Takes 20 ms and 16 MiB at our cost.  False: out of memory, or a
 * setting that crypt(3) refuses.
 */
bool yescrypt_hash(const char *password, const char *setting, char *hash,
    size_t size);

#endif /* YESCRYPT_H */
