/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_safe: jansson for secrets and for the sandbox: what it frees is wiped,
 * and it opens no file.
 */
#ifndef JSON_SAFE_H
#define JSON_SAFE_H

#include <stddef.h>

#include <jansson.h>

/* Once in a process, before any other JSON work. */
void json_safe_setup(void);

/*
 * The text of `object` and `end` behind it, in new memory, with a NUL:
 * secret_free(p, *len + 1).  NULL when out of memory, or no object.
 */
char *json_safe_print(const json_t *object, size_t flags, const char *end,
    size_t *len);

#endif /* JSON_SAFE_H */
