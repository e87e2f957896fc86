/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * voucher: a proof for the keeper that PAM accepted a site's login.
 *
 * The engine passes it on, and must not be able to make one.  The monitor
 * creates a key at its start, and gives it to each keeper and each PAM helper
 * through a pipe.
 *
 *   time 64 (CLOCK_BOOTTIME, us) | HMAC-SHA-256("tombolo voucher" | time | site)
 *
 * Valid for VOUCHER_SEC. Pure: the caller passes the time.
 */
#ifndef VOUCHER_H
#define VOUCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define VOUCHER_KEY_LEN 32
#define VOUCHER_LEN	40
#define VOUCHER_SEC	60

void voucher_make(uint8_t voucher[VOUCHER_LEN],
    const uint8_t key[VOUCHER_KEY_LEN], const char *site, struct mono now);
bool voucher_is_good(const uint8_t voucher[VOUCHER_LEN],
    const uint8_t key[VOUCHER_KEY_LEN], const char *site, struct mono now);

/*
 * The reading end of a pipe that contains the key, close-on-exec; the caller
 * closes it after passing it on.  A negative errno value on failure.
 */
int voucher_key_pipe(const uint8_t key[VOUCHER_KEY_LEN]);
/* Reads the key and closes `fd`.  0 or a negative errno value. */
int voucher_key_read(int fd, uint8_t key[VOUCHER_KEY_LEN]);

#endif /* VOUCHER_H */
