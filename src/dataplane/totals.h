/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * totals: what each site's port has counted in all its sessions.
 *
 * The monitor creates the memory, does not map it, and passes it to each engine
 * (START of proc/request.h), so it outlives sessions and engines.  The monitor
 * also saves it unchanged (monitor/state/totals_file.h), so it outlives the
 * daemon.  A row has the site's name, and stays when the site is removed.  The
 * contents that an earlier engine left, even one that crashed, are used only as
 * names and numbers.  If they are of another version or configuration, or not
 * valid, all are discarded, with a line in the log.
 *
 * Only the control thread uses it.
 */
#ifndef TOTALS_H
#define TOTALS_H

#include <stddef.h>

#define TOTALS_SIZE ((size_t)2 * 1024 * 1024) /* of that memory */

struct conf;
struct counters;
struct totals;

/* Borrows both, for this call.  NULL with `errno` set. */
struct totals *totals_open(int fd, const struct conf *conf);
void	       totals_close(struct totals *totals);

/* What a site, or "" for the device, has; a row of zeros if it had none. */
struct counters *totals_of(struct totals *totals, const char *name);

/* Of all rows but the device's. */
void totals_sum(const struct totals *totals, struct counters *sum);

#endif /* TOTALS_H */
