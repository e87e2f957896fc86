/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: prints aligned columns.
 *
 * Cells are copied and escaped (a peer's text cannot move the cursor). Columns
 * are as wide as their widest cell.  A head that begins with '>' aligns numbers
 * to the right.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

struct table;

/* `heads` are borrowed.  Ends the program if out of memory. */
struct table *table_new(const char *const *heads, size_t ncolumns);
void	      table_free(struct table *table);

/* Adds the next cell, row by row, left to right.  NULL is shown as "-". */
void table_add(struct table *table, const char *text);

/* Prints the table on stdout; only `none` if it has no row. */
void table_print(const struct table *table, const char *none);

#endif /* TABLE_H */
