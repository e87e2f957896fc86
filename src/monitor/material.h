/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * material: the certificates that an engine is given, read from their files.
 *
 * A table in material.c says which kinds a configuration has, where they lie and
 * which may be missing.  What is missing and may be is empty, or is not sent
 * at all, as proc/request.h says.
 */
#ifndef MATERIAL_H
#define MATERIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "proc/chan.h"
#include "proc/request.h"

struct conf;

#define MATERIAL_MAX (CHAN_MAX_PAYLOAD - 1) /* bytes of one */

/* Zeroed is none. */
struct material {
	struct {
		char  *text; /* owned; NULL: not sent */
		size_t len;
	} of[REQUEST_MATERIALS];
};

/*
 * False, and a line in `why`, when one is missing that must not be, or cannot be
 * read; the others are read all the same.
 */
bool material_read(struct material *material, const struct conf *conf,
    char *why, size_t why_size);
void material_fini(struct material *material);

/* "certificate", "crl": the key of the configuration. */
const char *material_name(enum request_material kind);
void material_swap(struct material *a, struct material *b,
    enum request_material kind);
bool material_is_same(const struct material *a, const struct material *b,
    enum request_material kind);

/* Whether the file `name` in the configuration's directory is one of them. */
bool material_is_file(const struct conf *conf, const char *name);

#endif /* MATERIAL_H */
