/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: aligned columns for people.
 *
 * Cells are copied and escaped (a peer's words cannot move the cursor); columns
 * are as wide as their widest cell.  A head that begins with '>' is for
 * numbers: to the right.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

struct table;

/* `heads` are borrowed.  Ends the program when there is no memory. */
struct table *table_new(const char *const *heads, size_t ncolumns);
void	      table_free(struct table *table);

/* The next cell, row by row, from left to right.  NULL is shown as "-". */
void table_add(struct table *table, const char *text);

/* On stdout; nothing but `none` when there is no row. */
void table_print(const struct table *table, const char *none);

#endif /* TABLE_H */
