/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/log.h"

#define CELL_MAX 256

struct table {
	const char *const *heads;
	size_t		   ncolumns;
	char		 **cells; /* owned, row by row */
	size_t		   ncells;
	size_t		   size;
};

static void	   print_row(const struct table *table,
	  const char *const *cells, const size_t *widths);
static const char *head_text(const char *head);

struct table *
table_new(const char *const *heads, size_t ncolumns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		fatal("out of memory");
	table->heads = heads;
	table->ncolumns = ncolumns;
	return table;
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->ncells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void
table_add(struct table *table, const char *text)
{
	char clean[CELL_MAX];

	if (text == NULL || text[0] == '\0')
		text = "-";
	log_escape(clean, sizeof(clean), text, strlen(text));
	if (table->ncells == table->size) {
		table->size = table->size * 2 + 64;
		table->cells = reallocarray(table->cells, table->size,
		    sizeof(*table->cells));
		if (table->cells == NULL)
			fatal("out of memory");
	}
	table->cells[table->ncells] = strdup(clean);
	if (table->cells[table->ncells++] == NULL)
		fatal("out of memory");
}

void
table_print(const struct table *table, const char *none)
{
	size_t *widths = calloc(table->ncolumns, sizeof(*widths));
	const char **heads = calloc(table->ncolumns, sizeof(*heads));

	if (widths == NULL || heads == NULL)
		fatal("out of memory");
	for (size_t i = 0; i < table->ncolumns; i++) {
		heads[i] = head_text(table->heads[i]);
		widths[i] = strlen(heads[i]);
	}
	for (size_t i = 0; i < table->ncells; i++) {
		size_t len = strlen(table->cells[i]);

		if (len > widths[i % table->ncolumns])
			widths[i % table->ncolumns] = len;
	}
	if (table->ncells == 0)
		printf("%s\n", none);
	else
		print_row(table, heads, widths);
	for (size_t i = 0; i + table->ncolumns <= table->ncells;
	     i += table->ncolumns)
		print_row(table, (const char *const *)table->cells + i,
		    widths);
	free(heads);
	free(widths);
}

static void
print_row(const struct table *table, const char *const *cells,
    const size_t *widths)
{
	for (size_t i = 0; i < table->ncolumns; i++) {
		int  width = (int)widths[i];
		bool last = i + 1 == table->ncolumns;

		if (table->heads[i][0] == '>')
			printf("%*s", width, cells[i]);
		else
			printf("%-*s", last ? 0 : width, cells[i]);
		printf("%s", last ? "\n" : "  ");
	}
}

static const char *
head_text(const char *head)
{
	return head[0] == '>' ? head + 1 : head;
}
