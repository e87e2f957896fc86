/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * totals_file: the memory in which engines keep the sites' totals
 * (dataplane/totals.h), and the file to which it is saved.
 *
 * It is saved once a minute and at the stop, if anything changed, as a whole or
 * not at all.  Only engines know what the bytes mean: they are copied as they
 * are, except zeros at their end, and the next engine checks them.
 */
#ifndef TOTALS_FILE_H
#define TOTALS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <ev.h>

#include "base/bucket.h"

struct totals_file {
	int	fd;    /* of the memory; -1: none */
	char   *path;  /* owned */
	char   *saved; /* what the file has; owned */
	size_t	len;
	struct ev_loop *loop;
	struct ev_timer timer;
	struct bucket	complaints;
};

/*
 * Creates the memory with what was saved in `dir`, and begins to save.  False,
 * after a line in the log: out of memory.  A file that cannot be read is only
 * logged.
 */
bool totals_file_open(struct totals_file *file, struct ev_loop *loop,
    const char *dir);

/* No engine uses it any more: saves and frees it. .fd -1 is fine. */
void totals_file_close(struct totals_file *file);

#endif /* TOTALS_FILE_H */
