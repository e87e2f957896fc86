/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * voucher: the monitor's word, to the keeper, that PAM let a site in.
 *
 * The engine carries it and must not be able to make one.  Monitor and keeper
 * share a key that the monitor draws at its start and hands to each keeper and
 * each PAM helper through a pipe.
 *
 *   time 64 (CLOCK_BOOTTIME, us) | HMAC-SHA-256("tombolo voucher" | time | site)
 *
 * Good for VOUCHER_SEC.  Pure: the caller passes the time.
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
 * A pipe's reading end with the key in it, close-on-exec; the caller closes it
 * once it is passed on.  A negative errno value on failure.
 */
int voucher_key_pipe(const uint8_t key[VOUCHER_KEY_LEN]);
/* Reads the key and closes `fd`.  0 or a negative errno value. */
int voucher_key_read(int fd, uint8_t key[VOUCHER_KEY_LEN]);

#endif /* VOUCHER_H */
