/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/totals.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bsd/string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "datapath/util/counters.h"

struct row {
	char		name[CONF_NAME_MAX + 1];
	struct counters counters;
};

#define ROWS  (CONF_MAX_SITES + 1024) /* some that are gone */
#define SLOTS (2 * ROWS)

/* What stands where: another list of counters is another version. */
#define COUNTED(member, site, device, sites) " " #member
#define DROPPED(id, name, what) " " name
static const char layout[] = "tombolo totals" COUNTERS(COUNTED)
    DROP_REASONS(DROPPED);

struct table {
	char	   layout[sizeof(layout)]; /* "": nothing was ever counted */
	_Atomic uint32_t n; /* in use, the first of `rows` */
	struct row rows[ROWS];
};

static_assert(sizeof(struct table) <= TOTALS_SIZE, "it fits");

struct totals {
	struct table *table; /* shared with the engines before and after us */
	uint16_t slots[SLOTS]; /* by a hash of the name: which row, from 1 on */
};

static const char *fault(const struct table *table, const struct conf *conf);
static bool is_site_of(const struct conf *conf, const char *name);
static uint16_t *find(struct totals *totals, const char *name);

struct totals *
totals_open(int fd, const struct conf *conf)
{
	const char    *why;
	struct totals *totals = calloc(1, sizeof(*totals));

	if (totals == NULL)
		return NULL;
	totals->table = mmap(NULL, sizeof(*totals->table),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (totals->table == MAP_FAILED) {
		free(totals);
		return NULL;
	}
	why = fault(totals->table, conf);
	if (why != NULL) {
		totals->table->n = 0;
		if (totals->table->layout[0] != '\0')
			log_warnx("the sites' totals begin with zero: what was "
				  "saved is %s", why);
	}
	memcpy(totals->table->layout, layout, sizeof(layout));
	for (uint16_t i = 0; i < totals->table->n; i++)
		*find(totals, totals->table->rows[i].name) = (uint16_t)(i + 1);
	return totals;
}

/* Numbers are numbers: only what we find them by can be wrong. */
static const char *
fault(const struct table *table, const struct conf *conf)
{
	bool has_site = false, knows_site = false;

	if (memcmp(table->layout, layout, sizeof(layout)) != 0)
		return "of another version, or damaged";
	if (table->n > ROWS)
		return "damaged";
	for (uint32_t i = 0; i < table->n; i++) {
		const char *name = table->rows[i].name;

		if (name[CONF_NAME_MAX] != '\0' ||
		    (name[0] != '\0' && !conf_is_site_name(name)))
			return "damaged";
		has_site |= name[0] != '\0';
		knows_site |= is_site_of(conf, name);
	}
	return has_site && !knows_site ? "of another configuration" : NULL;
}

/* Where none is left they may have been anybody's. */
static bool
is_site_of(const struct conf *conf, const char *name)
{
	if (conf->site[0] != '\0') /* our own */
		return strcmp(conf->site, name) == 0;
	return conf->nsites == 0 || conf_find_site(conf, name) != NULL;
}

void
totals_close(struct totals *totals)
{
	if (totals == NULL)
		return;
	munmap(totals->table, sizeof(*totals->table));
	free(totals);
}

/* The table is full of old names: all start again from zero. */
struct counters *
totals_of(struct totals *totals, const char *name)
{
	struct table *table = totals->table;
	uint16_t     *slot = find(totals, name);

	if (*slot == 0 && table->n == ROWS) {
		memset(totals->slots, 0, sizeof(totals->slots));
		table->n = 0;
		slot = find(totals, name);
	}
	if (*slot == 0) {
		struct row *row = &table->rows[table->n];

		/* Complete it first: the monitor may copy at any time. */
		*row = (struct row) { 0 };
		strlcpy(row->name, name, sizeof(row->name));
		*slot = (uint16_t)++table->n;
	}
	return &table->rows[*slot - 1].counters;
}

void
totals_sum(const struct totals *totals, struct counters *sum)
{
	*sum = (struct counters) { 0 };
	for (uint32_t i = 0; i < totals->table->n; i++) {
		if (totals->table->rows[i].name[0] != '\0')
			counters_add(sum, &totals->table->rows[i].counters);
	}
}

/* Its place, or the one where it would be: there are more than rows. */
static uint16_t *
find(struct totals *totals, const char *name)
{
	uint32_t slot = 0;

	for (const char *p = name; *p != '\0'; p++)
		slot = slot * 31 + (uint8_t)*p;
	for (slot %= SLOTS; totals->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		if (strcmp(totals->table->rows[totals->slots[slot] - 1].name,
			name) == 0)
			break;
	}
	return &totals->slots[slot];
}
