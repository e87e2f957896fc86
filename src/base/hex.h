/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hex: bytes as hexadecimal digits.
 *
 * Lower case only, also when reading, so each value has one form.
 */
#ifndef HEX_H
#define HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * len digits and a NUL to `dst`. */
void hex_encode(char *dst, const uint8_t *src, size_t len);

/* Reads 2 * len digits; false if one of them is not a digit. */
bool hex_decode(uint8_t *dst, const char *src, size_t len);

#endif /* HEX_H */
