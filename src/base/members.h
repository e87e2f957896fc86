/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * members: a struct as a JSON object, and back, by a table of its members.
 *
 * A row says what a member is called, how it looks, where it is in the struct,
 * and its bounds.  What is read may be anybody's: a value of another type, size
 * or range than its row's is refused, and what has no row is ignored.  Pure.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/words.h"

#define MEMBERS_MAX_WORDS 64
#define MEMBERS_MAX_BYTES 512 /* in hexadecimal */

/* How a member of the struct looks in JSON. */
enum member_kind {
	MEMBER_NUMBER, /* an unsigned within bounds */
	MEMBER_U64,    /* 64 bits, as 16 hexadecimal digits */
	MEMBER_TEXT,   /* char[] */
	MEMBER_STRING, /* char *, in memory of its own, wiped */
	MEMBER_BOOL,
	MEMBER_WORD,  /* an enum: one of the row's words, from `min` on */
	MEMBER_WORDS, /* array of text, a bit each; others are ignored */
	MEMBER_BYTES, /* so many, hexadecimal */
	MEMBER_BLOB,  /* up to so many, hexadecimal */
	/* arrays of up to so many, in memory of their own */
	MEMBER_PREFIXES, /* "ADDRESS/LENGTH" */
	MEMBER_HOSTS,	 /* "ADDRESS" */
	MEMBER_STRINGS,	 /* text */
	MEMBER_U64S,
};

struct member {
	const char	*name;
	enum member_kind kind;
	unsigned	 in;   /* a bit for each kind of object that has it */
	size_t		 at;   /* in the struct */
	size_t		 size; /* room there; BLOB, arrays: the most */
	size_t		 n;    /* BLOB, arrays: where their number is */
	unsigned	 min, max; /* NUMBER; BLOB, WORD: the least */
	/* Optional: when it is missing, those bytes are zero. */
	bool   optional;
	size_t has, has_size; /* a bool is set with it */
	const struct words *words; /* WORD, WORDS */
	/* TEXT: of its letters; STRINGS, U64S: of each.  NULL: any. */
	bool (*is_good)(const void *value);
	const char *expected; /* for a complaint; or NULL */
};

/* A row's place and size; where a list is; the bytes that say it is there. */
#define MEMBER_AT(type, m)                                                     \
	.at = offsetof(type, m), .size = sizeof(((type *)0)->m)
#define MEMBER_LIST(type, m, number, most)                                     \
	.at = offsetof(type, m), .n = offsetof(type, number), .size = (most)
#define MEMBER_IF(type, m)                                                     \
	.optional = true, .has = offsetof(type, m),                            \
	.has_size = sizeof(((type *)0)->m)

/* Adds those of `in` to `object`.  False: out of memory, or no UTF-8. */
bool members_encode(const struct member *members, size_t n, unsigned in,
    const void *src, json_t *object);

/*
 * Fills in `dst`, which is zero before.  NULL, or the first that is missing or
 * not what it has to be; what was read is for members_free(), then, too.
 */
const struct member *members_decode(const struct member *members, size_t n,
    unsigned in, void *dst, const json_t *object);

/* Frees what the struct owns by these rows. */
void members_free(const struct member *members, size_t n, void *object);

#endif /* MEMBERS_H */
