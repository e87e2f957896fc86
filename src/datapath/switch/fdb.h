/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdb: the port on which each MAC address was last seen.
 *
 * A fixed table from (VLAN, address) to port, in buckets of one cache line.
 * Entries age.  Each port has a limit, and when a bucket is full the port that
 * owns most entries of the whole table loses its oldest there: so a site that
 * floods us with invented addresses evicts only its own.
 *
 * The one thing that workers share.  Any worker reads and learns, without a
 * lock: key and value of an entry are two atomic words, the value repeats some
 * bits of the key, and a reader that catches an entry half replaced sees that
 * they do not fit and takes the address for unknown (then the frame is
 * flooded, which is right, only slower).
 *
 * Pure: no clock, no descriptors, no globals.  The caller passes the time.
 */
#ifndef FDB_H
#define FDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

#define FDB_MAX_PORTS 8192 /* ports are 1..8191; 0 is "none" */
#define FDB_SWEEPS    8

struct fdb;

enum fdb_learned {
	FDB_KNOWN,   /* was there already: refreshed */
	FDB_NEW,     /* is new */
	FDB_MOVED,   /* was behind another port until now */
	FDB_REFUSED, /* a group or zero address, or the port is at its limit */
};

struct fdb_entry {
	uint8_t	 mac[6];
	uint16_t vlan;
	uint16_t port;
	unsigned age_sec;
};

/*
 * `max_entries` is rounded up to fill the buckets; every port starts with the
 * limit `max_per_port`.  NULL when there is no memory.
 */
struct fdb *fdb_new(size_t max_entries, unsigned max_per_port,
    unsigned max_age_sec);
void fdb_free(struct fdb *fdb);

/* Another age at which entries are forgotten.  Any thread. */
void fdb_set_ageing(struct fdb *fdb, unsigned max_age_sec);

/* Another limit for one port (the local one may fill the table). */
void fdb_set_limit(struct fdb *fdb, uint16_t port, unsigned max);

/* Remembers that `mac` is behind `port`.  Any thread. */
enum fdb_learned fdb_learn(struct fdb *fdb, const uint8_t mac[6],
    uint16_t vlan, uint16_t port, struct mono now);

/* The port `mac` is behind, or 0 when we do not know.  Any thread. */
uint16_t fdb_lookup(const struct fdb *fdb, const uint8_t mac[6], uint16_t vlan,
    struct mono now);

/* Forgets everything behind `port`: it is gone, or blocked.  Any thread. */
void fdb_forget_port(struct fdb *fdb, uint16_t port);

/*
 * Frees what has aged in a part of the table; after FDB_SWEEPS calls it has
 * been everywhere.  Call every second, from one thread.  (What has aged is not
 * found, swept or not.)
 */
void fdb_sweep(struct fdb *fdb, struct mono now);

/* How many entries there are in all, and behind `port`.  Any thread. */
size_t	 fdb_count(const struct fdb *fdb);
unsigned fdb_port_count(const struct fdb *fdb, uint16_t port);

/*
 * Lists the table: `*cursor` begins at 0; false when there is no further
 * entry.  Changes meanwhile may or may not be seen.  Any thread.
 */
bool fdb_next(const struct fdb *fdb, size_t *cursor, struct fdb_entry *entry,
    struct mono now);

#endif /* FDB_H */
