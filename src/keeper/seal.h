/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seal: seals bytes that others store and only the keeper can make and read:
 * AES-256-GCM with a random nonce, and a label that says what they are.
 *
 *   nonce 12 | ciphertext | tag 16
 *
 * Pure, except for the nonce.
 */
#ifndef SEAL_H
#define SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY_LEN  32
#define SEAL_OVERHEAD 28

/* Writes len + SEAL_OVERHEAD bytes. */
void seal_close(uint8_t *out, const uint8_t key[SEAL_KEY_LEN],
    const char *label, const uint8_t *plain, size_t len);
/*
 * Writes len - SEAL_OVERHEAD bytes; false, and zeros, if not sealed by us or
 * altered.
 */
bool seal_open(uint8_t *plain, const uint8_t key[SEAL_KEY_LEN],
    const char *label, const uint8_t *sealed, size_t len);

#endif /* SEAL_H */
