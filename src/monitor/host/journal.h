/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal: a record of changes to this host that would outlive the daemon.
 *
 * These are: a bridge that we created, a sysctl that we wrote, rules of policy
 * routing with their table and the wall (wall.h), and DNS servers.  Each is
 * written to a file in /run (a new file, fsync, rename) before it is done.  So
 * stop, `run --sweep` and the next start can undo it, even after SIGKILL or a
 * crash.  What the kernel removes with our descriptors (the device and its
 * routes, nftables tables with "flags owner") is not recorded.
 *
 * Each line identifies the change: a bridge by the MAC address that we set, a
 * sysctl by the value that we wrote, rules by our protocol number and the
 * number of our table, DNS servers by our device.  Anything that differs by now
 * is not undone.
 *
 *	tombolo-journal 1
 *	bridge br0 fe:3c:5a:11:22:33
 *	sysctl net/ipv4/ip_forward 0 1
 *	policy 155007
 *	resolvconf tun.tombolo0
 *
 * A change that is recorded already is not recorded again.
 *
 * The file is undone as root and may have been tampered with.  Therefore only
 * sysctls of a short list (sysctl.c) are written, only with numbers, and only
 * rules of our range are removed.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_MAX_SIZE (1024 * 1024)

struct journal;

/*
 * Opens the journal at `path`.  If the file exists, it was left by a killed
 * daemon; then it is undone first, and each change that is undone is logged.
 * Nobody else may use it, which the pid file ensures.  The file is created with
 * the first record.  NULL on failure (errno is set).
 */
struct journal *journal_open(const char *path);

/*
 * The same, but walls stay, with their records: whatever happens during this
 * start, they are removed only by journal_settle(), or by journal_undo() after
 * journal_keep_walls() with false.
 */
struct journal *journal_reopen(const char *path);

/*
 * Records that a bridge `name` with this MAC address will be created. 0 or a
 * negative errno value; then it must not be created.
 */
int journal_bridge(struct journal *journal, const char *name,
    const uint8_t mac[6]);
/*
 * Records that `key` will change from `old_value` to `new_value`, by us or as
 * the effect of another key. -EPERM: the key is not on the list.
 */
int journal_sysctl(struct journal *journal, const char *key,
    const char *old_value, const char *new_value);

/*
 * Records the rules and the wall (rules.h, wall.h) of a table; and whether
 * there are any.
 */
int  journal_policy(struct journal *journal, uint32_t table);
bool journal_has_policy(const struct journal *journal);
/*
 * The wall of that table is in force: removes those that were left by others.
 */
void journal_settle(struct journal *journal, uint32_t table);
/* Sets whether walls stay at journal_undo(), for the next start or sweep. */
void journal_keep_walls(struct journal *journal, bool keep);
/* Records that resolvconf will have a record of that name (dns.h). */
int journal_resolvconf(struct journal *journal, const char *record);

/*
 * Undoes everything, the newest first, and removes the file.  A bridge that has
 * other ports now is not removed, and a sysctl that another program has changed
 * is not reset; both are logged.  Frees `journal`; NULL is fine.  Returns
 * whether walls stay, and with them the file.
 */
bool journal_undo(struct journal *journal);

#endif /* JOURNAL_H */
