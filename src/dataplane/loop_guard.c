/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/loop_guard.h"

#include <stdio.h>
#include <stdlib.h>

#include <bsd/string.h>

#include "base/log.h"
#include "datapath/loop_watch.h"

#define NAME_SIZE 64

/* Of a loop that is still there, two rounds in a row may be lost. */
_Static_assert(LOOP_GUARD_QUIET_SEC > 2 * LOOP_WATCH_ROUND_MAX_SEC &&
	LOOP_GUARD_QUIET_SEC < LOOP_GUARD_BLOCK_SEC,
	"a blocked port is probed in time");

struct loop_port {
	bool	    up, blocked;
	char	    name[NAME_SIZE];
	char	    why[NAME_SIZE * 2];
	uint64_t    age; /* smaller is older */
	struct mono try_at, heard_at;
};

struct loop_guard {
	_Atomic uint8_t	 *blocked;
	unsigned	  nports;
	unsigned	  nblocked;
	uint64_t	  next_age;
	struct loop_port *ports;
};

static void block(struct loop_guard *loops, uint16_t port, uint16_t other,
    struct mono now);
static void open_port(struct loop_guard *loops, uint16_t port);

struct loop_guard *
loop_guard_new(_Atomic uint8_t *blocked, unsigned nports)
{
	struct loop_guard *loops = calloc(1, sizeof(*loops));

	if (loops == NULL)
		return NULL;
	loops->blocked = blocked;
	loops->nports = nports;
	loops->ports = calloc(nports, sizeof(*loops->ports));
	if (loops->ports == NULL) {
		free(loops);
		return NULL;
	}
	return loops;
}

void
loop_guard_free(struct loop_guard *loops)
{
	if (loops == NULL)
		return;
	free(loops->ports);
	free(loops);
}

void
loop_guard_port_up(struct loop_guard *loops, uint16_t port, const char *name,
    struct mono now)
{
	struct loop_port *p = &loops->ports[port];

	open_port(loops, port);
	*p = (struct loop_port) { .up = true, .age = ++loops->next_age,
		.heard_at = now };
	strlcpy(p->name, name, sizeof(p->name));
}

void
loop_guard_port_down(struct loop_guard *loops, uint16_t port)
{
	loops->ports[port].up = false;
	open_port(loops, port);
}

uint16_t
loop_guard_heard(struct loop_guard *loops, uint16_t sent, uint16_t heard,
    struct mono now)
{
	uint16_t younger, older;

	if (sent == heard || sent >= loops->nports || heard >= loops->nports ||
	    !loops->ports[sent].up || !loops->ports[heard].up)
		return 0;
	younger = loops->ports[sent].age > loops->ports[heard].age ? sent : heard;
	older = younger == sent ? heard : sent;
	loops->ports[younger].heard_at = now;
	if (loops->ports[younger].blocked || loops->ports[older].blocked)
		return 0; /* it goes round by a port that is closed already */
	block(loops, younger, older, now);
	return younger;
}

void
loop_guard_tick(struct loop_guard *loops, struct mono now)
{
	/* Seldom any: then the table need not be looked at. */
	for (unsigned i = 0; i < loops->nports && loops->nblocked > 0; i++) {
		struct loop_port *p = &loops->ports[i];

		if (!p->blocked || !mono_is_due(p->try_at, now))
			continue;
		if (mono_sub(now,
		    p->heard_at) < LOOP_GUARD_QUIET_SEC * MONO_SEC) {
			p->try_at = mono_add(now,
			    LOOP_GUARD_BLOCK_SEC * MONO_SEC);
			log_warnx("site %s: still blocked: %s", p->name,
			    p->why);
			continue;
		}
		log_info("site %s: unblocked: the loop is gone", p->name);
		open_port(loops, (uint16_t)i);
	}
}

const char *
loop_guard_why(const struct loop_guard *loops, uint16_t port)
{
	const struct loop_port *p = &loops->ports[port];

	return p->blocked ? p->why : NULL;
}

static void
block(struct loop_guard *loops, uint16_t port, uint16_t other, struct mono now)
{
	struct loop_port *p = &loops->ports[port];

	p->blocked = true;
	loops->nblocked++;
	p->try_at = mono_add(now, LOOP_GUARD_BLOCK_SEC * MONO_SEC);
	p->heard_at = now;
	snprintf(p->why, sizeof(p->why), "its LAN is also joined to that of %s "
	    "by another path", loops->ports[other].name);
	atomic_store(&loops->blocked[port], 1);
	log_warnx("site %s: blocked for %d s: %s", p->name,
	    LOOP_GUARD_BLOCK_SEC,
	    p->why);
}

static void
open_port(struct loop_guard *loops, uint16_t port)
{
	if (loops->ports[port].blocked)
		loops->nblocked--;
	loops->ports[port].blocked = false;
	atomic_store(&loops->blocked[port], 0);
}
