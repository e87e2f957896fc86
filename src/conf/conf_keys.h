/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_keys: the table of keys, one row for each, and the interface between the
 * files of conf/.
 *
 * The table drives the parser, the printed form, the commented file that `init`
 * and `join` write, and the test that the manual describes every key.  A row
 * says where the value goes (an offset into struct conf, or into struct
 * conf_site for [site]), its type (conf_types.h) and its bounds.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/conf_words.h"

enum conf_section {
	CONF_IN_SERVER,
	CONF_IN_CLIENT,
	CONF_IN_INTERFACE,
	CONF_IN_SWITCH,
	CONF_IN_SITE,
	CONF_SECTIONS /* the number of sections; also: none */
};

enum conf_type {
	CONF_TYPE_PATH,	     /* char * */
	CONF_TYPE_HOST,	     /* char *: a host's name or address */
	CONF_TYPE_SERVER,    /* list: HOST[:PORT] [weight N] [name HOST] */
	CONF_TYPE_PROXY,     /* struct conf_proxy */
	CONF_TYPE_PORT,	     /* uint16_t */
	CONF_TYPE_NUMBER,    /* unsigned, min..max */
	CONF_TYPE_LISTEN,    /* list: ADDRESS[:PORT], "any"[:PORT] */
	CONF_TYPE_BOOL,	     /* bool */
	CONF_TYPE_WORD,	     /* an enum: one of the row's words */
	CONF_TYPE_BITS,	     /* list: a bit for each of them in an unsigned */
	CONF_TYPE_SERVICE,   /* char *: a PAM service's name */
	CONF_TYPE_SITE,	     /* char[]: a site's name */
	CONF_TYPE_DEVICE,    /* char[16]: an interface's name */
	CONF_TYPE_HOSTS,     /* list: 10.4.2.7 */
	CONF_TYPE_ADDRESSES, /* list: 10.4.2.7/24, an interface's address */
	CONF_TYPE_NETWORKS,  /* list: 10.4.2.0/24, no bit beyond the length */
	CONF_TYPE_DOMAINS,   /* list: example.org */
	CONF_TYPE_NAMES,     /* list: a host's names or addresses */
	CONF_TYPE_MARK,	     /* struct conf_mark: VALUE or VALUE/MASK */
};

/* Flags of a key. */
#define CONF_KEY_TAP	  0x01u /* only for mode = tap */
#define CONF_KEY_TUN	  0x02u /* only for mode = tun */
#define CONF_KEY_SERVER	  0x04u /* only for a hub, in a section of both roles */
#define CONF_KEY_REQUIRED 0x08u
#define CONF_KEY_AUTO	  0x10u /* number: 0 is written "auto" */
#define CONF_KEY_LIVE	  0x20u /* takes effect on reload */

struct conf_key {
	enum conf_section section;
	const char	 *name;
	enum conf_type	  type;
	const struct words *words; /* of a word or bits; else NULL */
	unsigned	  flags;
	size_t		  offset;
	unsigned	  min, max;  /* a number's bounds; max items of a list */
	const char	 *fallback; /* as in a file; NULL: none */
	const char	 *example;  /* if there is no default */
	const char	 *help;	    /* for the commented file; a line or more */
};

#define CONF_NKEYS	    62
#define CONF_MAX_COMPLAINTS 64 /* the last error says that there are more */

extern const struct conf_key conf_keys[CONF_NKEYS];

/* NULL: that section has no such key. */
const struct conf_key *conf_key_find(enum conf_section section,
    const char *name);

/* "server", "client", ...; CONF_SECTIONS if there is none of that name. */
const char	 *conf_section_name(enum conf_section section);
enum conf_section conf_section_find(const char *name);
/* The sections that both roles have. */
enum conf_section conf_section_of_role(enum conf_role role);

/* Whether the key is allowed in that role and mode. */
bool conf_key_applies(const struct conf_key *key, enum conf_role role,
    enum conf_mode mode);

/*
 * Like conf_print() without the sites, but for people: every key that is
 * allowed, with its comment; keys at their defaults are commented out.
 */
char *conf_print_commented(const struct conf *conf);

/*
 * The configuration that a daemon running with `running` changes to when it
 * reads `loaded`, which has the same role and mode: the live keys and sites of
 * `loaded`, and the other keys of `running`.  In a form that conf_parse_text()
 * reads.
 */
void conf_print_live(FILE *out, const struct conf *running,
    const struct conf *loaded);

/*
 * Whether the key, of any section except [site], has the same value in both,
 * which have the same role and mode.  Out of memory counts as a difference.
 */
bool conf_print_is_same(const struct conf_key *key, const struct conf *a,
    const struct conf *b);

/*
 * All methods of this build except tls-srp, whose verifiers are cheap to crack.
 */
unsigned conf_default_auths(void);

/* Reports one error; line 0: about the file as a whole. */
void conf_complain(struct conf_errors *errors, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((__format__(printf, 4, 5)));

#endif /* CONF_KEYS_H */
