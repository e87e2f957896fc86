/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hex: bytes as hexadecimal digits.
 *
 * Lower case only, both ways: what is read again is the same text.
 */
#ifndef HEX_H
#define HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `dst` gets 2 * len digits and a NUL. */
void hex_encode(char *dst, const uint8_t *src, size_t len);

/* From 2 * len digits; false if one of them is not a digit. */
bool hex_decode(uint8_t *dst, const char *src, size_t len);

#endif /* HEX_H */
