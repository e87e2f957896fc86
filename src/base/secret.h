/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret: random bytes, comparison in constant time, and wiping. */
#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Random bytes from the kernel; cannot fail. */
void secret_random(void *dst, size_t len);

/* Whether two byte strings are equal, in a time that depends on `len` only. */
bool secret_equal(const void *a, const void *b, size_t len);

/* Overwrites memory in a way that the optimizer does not remove. */
void secret_wipe(void *p, size_t len);

/* Wipes `size` bytes and frees them; NULL is fine. */
void secret_free(void *p, size_t size);

#endif /* SECRET_H */
