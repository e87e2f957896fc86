/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal: what we changed on this host that would outlive us.
 *
 * A bridge that we made, a sysctl that we wrote, rules of policy routing and
 * the wall behind them, DNS servers: noted in /run before it is done (written beside, fsync, rename), so
 * that stop, `run --sweep` and the next start can undo it, even after
 * SIGKILL or a crash.  What goes
 * away with our descriptors (the device and its routes, the nft table with
 * "flags owner") is not in it.
 *
 * Each line says enough to tell our work from somebody else's: a bridge has
 * the MAC address that we gave it, a sysctl the value that we left in it, rules
 * our protocol number and the number of our table, DNS servers our device.
 * What looks otherwise by now is not ours to undo.
 *
 *	tombolo-journal 1
 *	bridge br0 fe:3c:5a:11:22:33
 *	sysctl net/ipv4/ip_forward 0 1
 *	policy 155007
 *	resolvconf tun.tombolo0
 *
 * What is noted already, is so once.
 *
 * A sweep is for root and the file may have been tampered with: it writes only
 * keys of a short list (journal.c) and numbers, and takes away rules of our
 * range only.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_MAX_SIZE (1024 * 1024)

struct journal;

/*
 * The journal at `path`.  One that is there already was left by a run that
 * did not end well: it is swept first, with a line in the log for each thing
 * undone; so nobody else may be using it (the monitor's pid file sees to
 * that).  The file appears with the first note.  NULL on failure (errno is
 * set).
 */
struct journal *journal_open(const char *path);

/*
 * The same, but walls that are left stay, with their notes: whatever becomes of
 * this start, they are only gone once journal_settle() says so, or
 * journal_undo() after journal_keep_walls() with false.
 */
struct journal *journal_reopen(const char *path);

/*
 * Notes that a bridge `name` with this MAC address will be made.  0 or a
 * negative errno value; then it must not be made.
 */
int journal_bridge(struct journal *journal, const char *name,
    const uint8_t mac[6]);
/*
 * Notes that `key` will go from `old_value` to `new_value`, by our hand or as
 * the effect of another key.  -EPERM: a key that is not on the list.
 */
int journal_sysctl(struct journal *journal, const char *key,
    const char *old_value, const char *new_value);

/* Notes rules and wall (rules.h, wall.h) of a table; whether there are any. */
int  journal_policy(struct journal *journal, uint32_t table);
bool journal_has_policy(const struct journal *journal);
/* That table's wall is in force: what is left of others goes. */
void journal_settle(struct journal *journal, uint32_t table);
/* Whether walls stay at journal_undo(), for a later start or sweep. */
void journal_keep_walls(struct journal *journal, bool keep);
/* Notes that resolvconf will have a record of that name (dns.h). */
int journal_resolvconf(struct journal *journal, const char *record);

/*
 * Undoes everything, newest first, and removes the file.  A bridge that has
 * other ports by now stays, and the log says so; a sysctl that somebody else
 * has changed since stays too.  Frees `journal`; NULL is fine.  Returns whether
 * walls stay, and the file with them.
 */
bool journal_undo(struct journal *journal);

#endif /* JOURNAL_H */
