/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * member: one member of a message's JSON, and of struct message (PROTOCOL 4.2).
 *
 * A row of message.c's table says what it is called, how it looks, where it is
 * in the struct, and its bounds.  Pure.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define MEMBER_MAX_WORDS 64

/* How a member of the struct looks in JSON. */
enum member_kind {
	MEMBER_NUMBER,	   /* an unsigned within bounds */
	MEMBER_U64,	   /* 64 bits, as 16 hexadecimal digits */
	MEMBER_TEXT,	   /* without control characters */
	MEMBER_BOOL,
	MEMBER_MODE,	   /* "tap" or "tun" */
	MEMBER_TRANSPORT, /* "auto", "udp" or "tcp" */
	MEMBER_BYTES,	   /* so many, hexadecimal */
	MEMBER_BLOB,	   /* up to so many, hexadecimal */
	MEMBER_WORDS,	   /* array of text, a bit each; others are ignored */
	/* arrays of up to so many, in memory of their own */
	MEMBER_PREFIXES, /* "ADDRESS/LENGTH" */
	MEMBER_HOSTS,	  /* "ADDRESS" */
	MEMBER_DOMAINS,  /* text */
	MEMBER_STATIONS, /* 8 bytes, hexadecimal */
};

struct member {
	const char	*name;
	enum member_kind kind;
	unsigned	 in;   /* which messages have it */
	size_t		 at;   /* in the struct */
	size_t		 size; /* room there; BLOB, arrays: the most */
	size_t		 n;    /* BLOB, arrays: where their number is */
	unsigned	 min, max; /* NUMBER; BLOB: the least */
	/* Optional: when it is missing, those bytes are zero. */
	bool	 optional;
	size_t	 has, has_size; /* a bool is set with it */
	const char *const *words; /* WORDS, up to a NULL */
};

/* What must be there, or may be missing and is not. */
bool member_is_there(const struct member *member, const void *msg);
/* NULL: no memory, or no UTF-8. */
json_t *member_encode(const struct member *member, const void *msg);
/* False: not what it has to be. */
bool member_decode(const struct member *member, void *msg,
    const json_t *value);

#endif /* MEMBER_H */
