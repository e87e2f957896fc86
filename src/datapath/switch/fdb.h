/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdb: the port at which each MAC address was last seen.
 *
 * A table of fixed size that maps (VLAN, address) to a port, in buckets of one
 * cache line.  Entries age.  Each port has a limit, and when a bucket is full,
 * the port with the most entries in the whole table loses its oldest entry in
 * that bucket.  So a site that floods us with invented addresses evicts only
 * its own.
 *
 * It is shared by all workers; any worker reads and learns without a lock.  The
 * key and the value of an entry are two atomic words, and the value repeats
 * some bits of the key.  A reader that finds a half replaced entry sees that
 * they do not match and treats the address as unknown: the frame is flooded,
 * which is correct, only slower.
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
	FDB_KNOWN,   /* known: refreshed */
	FDB_NEW,     /* unknown until now */
	FDB_MOVED,   /* was at another port until now */
	FDB_REFUSED, /* a group or zero address, or the port is at its limit */
};

struct fdb_entry {
	uint8_t	 mac[6];
	uint16_t vlan;
	uint16_t port;
	unsigned age_sec;
};

/*
 * `max_entries` is rounded up to fill the buckets; the limit of each port is
 * `max_per_port` at first.  NULL: out of memory.
 */
struct fdb *fdb_new(size_t max_entries, unsigned max_per_port,
    unsigned max_age_sec);
void fdb_free(struct fdb *fdb);

/* Changes the age at which entries expire.  Any thread. */
void fdb_set_ageing(struct fdb *fdb, unsigned max_age_sec);

/* Changes the limit of one port (the device may fill the table). */
void fdb_set_limit(struct fdb *fdb, uint16_t port, unsigned max);

/* Records that `mac` is at `port`.  Any thread. */
enum fdb_learned fdb_learn(struct fdb *fdb, const uint8_t mac[6],
    uint16_t vlan, uint16_t port, struct mono now);

/* The port of `mac`, or 0 if unknown.  Any thread. */
uint16_t fdb_lookup(const struct fdb *fdb, const uint8_t mac[6], uint16_t vlan,
    struct mono now);

/* Removes all entries of `port`, when it is gone or blocked.  Any thread. */
void fdb_forget_port(struct fdb *fdb, uint16_t port);

/*
 * Frees expired entries in a part of the table; FDB_SWEEPS calls cover all of
 * it.  Call it every second, from one thread.  (Lookups ignore expired entries,
 * swept or not.)
 */
void fdb_sweep(struct fdb *fdb, struct mono now);

/* The number of entries in all, and of `port`.  Any thread. */
size_t	 fdb_count(const struct fdb *fdb);
unsigned fdb_port_count(const struct fdb *fdb, uint16_t port);

/*
 * Lists the table: `*cursor` starts at 0; returns false after the last entry.
 * Changes made meanwhile may or may not be seen.  Any thread.
 */
bool fdb_next(const struct fdb *fdb, size_t *cursor, struct fdb_entry *entry,
    struct mono now);

#endif /* FDB_H */
