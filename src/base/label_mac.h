/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * label_mac: HMAC-SHA-256 of a label and the bytes that follow, so that one key
 * serves several purposes.
 */
#ifndef LABEL_MAC_H
#define LABEL_MAC_H

#include <stddef.h>
#include <stdint.h>

#define LABEL_MAC_KEY_LEN 32

/* Writes its first `out_len` bytes, 32 at most; `a` and `b` may be empty. */
void label_mac(uint8_t *out, size_t out_len,
    const uint8_t key[LABEL_MAC_KEY_LEN], const char *label, const void *a,
    size_t a_len, const void *b, size_t b_len);

#endif /* LABEL_MAC_H */
