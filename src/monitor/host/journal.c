/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/journal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "monitor/host/dns.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/link.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/route.h"
#include "monitor/host/rules.h"
#include "monitor/host/wall.h"

#define HEADER	  "tombolo-journal 1\n"
#define NUM_SIZE  8
#define LINE_SIZE (SYSCTL_KEY_SIZE + 64)
#define MAX_WORDS 4
#define MAC_SIZE  18

/* One line; the first word is its kind, the second what was changed. */
struct note {
	TAILQ_ENTRY(note) entry;
	const struct kind *kind;
	char *words[MAX_WORDS]; /* in `text` */
	char  text[];
};

TAILQ_HEAD(notes, note);

struct journal {
	char	    *path;
	struct notes notes; /* newest first */
	bool	     keep;  /* walls, when all else is undone */
};

static int  add_line(struct journal *journal, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));
static bool is_noted(const struct journal *journal, const struct note *new);
static int  save(const struct journal *journal);
static struct journal *sweep(const char *path, bool keep);
static int  sweep_file(struct journal *journal);
static bool parse(struct journal *journal, char *text);
static struct note *parse_note(const char *line);
static const char *print_mac(const uint8_t mac[6], char text[MAC_SIZE]);
static uint32_t table_of(const struct note *note);
static bool undo_notes(struct journal *journal);
static void remove_note(struct journal *journal, struct note *note);
static void undo_bridge(const struct note *note, struct link *link);
static void undo_policy(const struct note *note, struct link *link);
static void undo_sysctl(const struct note *note, struct link *link);
static bool is_relied_on(const char *key, struct link *link);
static void undo_resolvconf(const struct note *note, struct link *link);
static void journal_free(struct journal *journal);
static bool is_interface(const char *text);
static bool is_mac(const char *text);
static bool is_number(const char *text);
static bool is_table(const char *text);

enum { SYSCTL, BRIDGE, POLICY, RESOLVCONF };

static const struct kind {
	const char *word;
	size_t	    nwords;
	bool (*is_sound[MAX_WORDS - 1])(const char *text); /* of the others */
	void (*undo)(const struct note *note, struct link *link);
} kinds[] = {
	[SYSCTL] = { "sysctl", 4, { sysctl_is_ours, is_number, is_number },
	    undo_sysctl },
	[BRIDGE] = { "bridge", 3, { is_interface, is_mac }, undo_bridge },
	[POLICY] = { "policy", 2, { is_table }, undo_policy },
	[RESOLVCONF] = { "resolvconf", 2, { dns_is_record }, undo_resolvconf },
};

struct journal *
journal_open(const char *path)
{
	return sweep(path, false);
}

struct journal *
journal_reopen(const char *path)
{
	return sweep(path, true);
}

int
journal_bridge(struct journal *journal, const char *name, const uint8_t mac[6])
{
	char text[MAC_SIZE];

	return add_line(journal, "bridge %s %s", name, print_mac(mac, text));
}

int
journal_sysctl(struct journal *journal, const char *key, const char *old_value,
    const char *new_value)
{
	return sysctl_is_ours(key) ?
	    add_line(journal, "sysctl %s %s %s", key, old_value, new_value) :
	    -EPERM;
}

int
journal_policy(struct journal *journal, uint32_t table)
{
	const struct note *note;

	TAILQ_FOREACH(note, &journal->notes, entry) {
		if (table_of(note) == table)
			return 0;
	}
	return add_line(journal, "policy %u", table);
}

bool
journal_has_policy(const struct journal *journal)
{
	const struct note *note;

	TAILQ_FOREACH(note, &journal->notes, entry) {
		if (table_of(note) != 0)
			return true;
	}
	return false;
}

void
journal_settle(struct journal *journal, uint32_t table)
{
	struct note *note, *next;
	bool	     others = false;

	for (note = TAILQ_FIRST(&journal->notes); note != NULL; note = next) {
		next = TAILQ_NEXT(note, entry);
		if (table_of(note) == 0 || table_of(note) == table)
			continue;
		remove_note(journal, note);
		others = true;
	}
	/* If not: what is undone in vain does no harm. */
	if (others)
		(void)save(journal);
}

void
journal_keep_walls(struct journal *journal, bool keep)
{
	journal->keep = keep;
}

int
journal_resolvconf(struct journal *journal, const char *record)
{
	return add_line(journal, "resolvconf %s", record);
}

bool
journal_undo(struct journal *journal)
{
	bool stays = journal != NULL && undo_notes(journal);

	if (stays ? save(journal) < 0 : journal != NULL &&
	    unlink(journal->path) == -1 && errno != ENOENT)
		log_warn("%s", journal->path);
	journal_free(journal);
	return stays;
}

/* ------------------------------------------------------------- the file */

/* In the file before it is true: what is undone in vain does no harm. */
static int
add_line(struct journal *journal, const char *fmt, ...)
{
	char	     line[LINE_SIZE];
	struct note *note;
	va_list	     ap;
	int	     r;

	va_start(ap, fmt);
	r = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (r < 0 || (size_t)r >= sizeof(line))
		return -EINVAL;
	note = parse_note(line);
	if (note == NULL)
		return -errno;
	if (is_noted(journal, note)) {
		free(note);
		return 0;
	}
	TAILQ_INSERT_HEAD(&journal->notes, note, entry);
	r = save(journal);
	if (r < 0) {
		TAILQ_REMOVE(&journal->notes, note, entry);
		free(note);
	}
	return r;
}

static bool
is_noted(const struct journal *journal, const struct note *new)
{
	const struct note *note;
	size_t		   same;

	TAILQ_FOREACH(note, &journal->notes, entry) {
		for (same = 0; note->kind == new->kind &&
		    same < new->kind->nwords &&
		    strcmp(note->words[same], new->words[same]) == 0;)
			same++;
		if (same == new->kind->nwords)
			return true;
	}
	return false;
}

static int
save(const struct journal *journal)
{
	const struct note *note;
	size_t		   len = 0;
	char		  *text = NULL;
	FILE		  *out = open_memstream(&text, &len);
	int		   r;

	if (out == NULL)
		return -errno;
	fputs(HEADER, out);
	TAILQ_FOREACH_REVERSE(note, &journal->notes, notes, entry) {
		for (size_t i = 0; i < note->kind->nwords; i++)
			fprintf(out, "%s%c", note->words[i],
			    i + 1 < note->kind->nwords ? ' ' : '\n');
	}
	r = fclose(out) == EOF ? -errno : 0;
	if (r == 0)
		r = file_write(journal->path, text, len, 0600, (uid_t)-1,
		    (gid_t)-1);
	free(text);
	return r;
}

/* NULL with errno set. */
static struct journal *
sweep(const char *path, bool keep)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int		r = -ENOMEM;

	if (journal == NULL)
		return NULL;
	TAILQ_INIT(&journal->notes);
	journal->keep = keep;
	journal->path = strdup(path);
	if (journal->path != NULL)
		r = sweep_file(journal);
	if (r == 0) {
		journal->keep = !TAILQ_EMPTY(&journal->notes);
		return journal;
	}
	journal_free(journal);
	errno = -r;
	return NULL;
}

static int
sweep_file(struct journal *journal)
{
	size_t len;
	char  *text;
	int    r = file_read(journal->path, JOURNAL_MAX_SIZE, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	log_info("%s: the last run did not end well; putting back what it "
		 "changed", journal->path);
	if (!parse(journal, text))
		log_warnx("%s: not all of it can be understood; the rest is ignored",
		    journal->path);
	free(text);
	if (undo_notes(journal))
		return save(journal);
	return unlink(journal->path) == -1 ? -errno : 0;
}

/* Takes what it can; false when there was something else too. */
static bool
parse(struct journal *journal, char *text)
{
	bool  whole = true;
	char *line, *rest = text;

	if (strncmp(text, HEADER, strlen(HEADER)) != 0)
		return false;
	rest += strlen(HEADER);
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct note *note = line[0] != '\0' ? parse_note(line) : NULL;

		if (note != NULL)
			TAILQ_INSERT_HEAD(&journal->notes, note, entry);
		else if (line[0] != '\0')
			whole = false;
	}
	return whole;
}

/* NULL with errno set: ENOMEM or EINVAL. */
static struct note *
parse_note(const char *line)
{
	size_t	     size = strlen(line) + 1, n = 0;
	struct note *note = calloc(1, sizeof(*note) + size);
	char	    *rest;

	if (note == NULL)
		return NULL;
	memcpy(note->text, line, size);
	rest = note->text;
	while (n < MAX_WORDS && (note->words[n] = strsep(&rest, " ")) != NULL)
		n++;
	for (size_t i = 0; rest == NULL && i < nitems(kinds); i++) {
		bool sound = n == kinds[i].nwords &&
		    strcmp(note->words[0], kinds[i].word) == 0;

		for (size_t w = 1; sound && w < n; w++)
			sound = kinds[i].is_sound[w - 1](note->words[w]);
		note->kind = &kinds[i];
		if (sound)
			return note;
	}
	free(note);
	errno = EINVAL;
	return NULL;
}

static const char *
print_mac(const uint8_t mac[6], char text[MAC_SIZE])
{
	snprintf(text, MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
	    mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

/* 0 when the note is none of a policy. */
static uint32_t
table_of(const struct note *note)
{
	return note->kind == &kinds[POLICY] ?
	    (uint32_t)strtoul(note->words[1], NULL, 10) :
	    0;
}

/* -------------------------------------------------------------- undoing */

/* Whether some stay: walls. */
static bool
undo_notes(struct journal *journal)
{
	struct link *link = link_open();
	struct note *note, *next;

	for (note = TAILQ_FIRST(&journal->notes); note != NULL; note = next) {
		next = TAILQ_NEXT(note, entry);
		note->kind->undo(note, link);
		if (table_of(note) == 0 || !journal->keep)
			remove_note(journal, note);
	}
	link_close(link);
	return !TAILQ_EMPTY(&journal->notes);
}

/* With its wall. */
static void
remove_note(struct journal *journal, struct note *note)
{
	if (table_of(note) != 0)
		wall_remove(table_of(note));
	TAILQ_REMOVE(&journal->notes, note, entry);
	free(note);
}

static void
undo_bridge(const struct note *note, struct link *link)
{
	const char *bridge = note->words[1];
	struct link_facts facts;
	char	    mac[MAC_SIZE];
	int	    r;

	if (link == NULL) {
		log_warnx("%s: no netlink: the bridge is not removed", bridge);
		return;
	}
	if (link_look(link, bridge, &facts) < 0)
		return;
	if (strcmp(print_mac(facts.mac, mac), note->words[2]) != 0) {
		log_info("%s: is not the bridge that was created here: it is "
			 "not removed", bridge);
		return;
	}
	r = link_remove_bridge(link, bridge);
	if (r == 0)
		log_info("%s: bridge removed", bridge);
	else if (r == -EBUSY)
		log_info("%s: has other ports now: the bridge is not removed",
		    bridge);
	else
		log_warnx("%s: the bridge could not be removed: %s",
		    bridge, strerror(-r));
}

/* But for the wall: undo_notes() knows whether that stays. */
static void
undo_policy(const struct note *note, struct link *link)
{
	static const struct prefix_set none;
	const struct route_table       nothing = { .set = &none };
	uint32_t table = table_of(note);
	int	 r = link != NULL ? rules_remove(link, table) : -ENOMEM;

	if (r >= 0)
		r = route_set(link, table, &nothing);
	if (r < 0)
		log_warnx("the rules for table %u could not be removed: %s; "
			  "ip rule shows them", table, strerror(-r));
}

static void
undo_sysctl(const struct note *note, struct link *link)
{
	const char *key = note->words[1], *old = note->words[2];
	char	    now[NUM_SIZE];
	int	    r = sysctl_read(key, now, sizeof(now));

	if (is_relied_on(key, link)) {
		log_info("%s: not reset: others can rely on forwarding here",
		    key);
		return;
	}

	if (r == -ENOENT) /* it went with its interface */
		return;
	if (r == 0 && strcmp(now, old) == 0)
		return;
	if (r == 0 && strcmp(now, note->words[3]) != 0) {
		log_info("%s: another program has set it to %s: not reset",
		    key, now);
		return;
	}
	if (r == 0)
		r = sysctl_write(key, old);
	if (r < 0)
		log_warnx("%s: could not be reset to %s: %s", key, old,
		    strerror(-r));
	else
		log_info("%s: set back to %s", key, old);
}

/*
 * Docker, libvirt and other daemons of ours enable forwarding and find it
 * enabled: no value tells that they need it.  Who has one network only cannot.
 */
static bool
is_relied_on(const char *key, struct link *link)
{
	sa_family_t	 family = strncmp(key, "net/ipv4/", 9) == 0 ? AF_INET :
								      AF_INET6;
	const char	*first = NULL;
	bool		 others = false;
	struct link_lans lans;

	/* Those that only let answers come in have no such users. */
	if (strstr(key, "/rp_filter") != NULL ||
	    strstr(key, "/src_valid_mark") != NULL || link == NULL ||
	    link_get_lans(link, NULL, &lans) < 0)
		return false;
	for (size_t i = 0; i < lans.n; i++) {
		if (lans.v[i].network.addr.family != family)
			continue;
		others = others || (first != NULL &&
			strcmp(first, lans.v[i].ifname) != 0);
		first = lans.v[i].ifname;
	}
	free(lans.v);
	return others;
}

static void
undo_resolvconf(const struct note *note, struct link *link)
{
	dns_remove_record(note->words[1]);
}

/* NULL is fine. */
static void
journal_free(struct journal *journal)
{
	struct note *note;

	if (journal == NULL)
		return;
	while ((note = TAILQ_FIRST(&journal->notes)) != NULL) {
		TAILQ_REMOVE(&journal->notes, note, entry);
		free(note);
	}
	free(journal->path);
	free(journal);
}

static bool
is_interface(const char *text)
{
	return link_is_name(text, strlen(text));
}

static bool
is_mac(const char *text)
{
	return strlen(text) == MAC_SIZE - 1 &&
	    strspn(text, "0123456789abcdef:") == MAC_SIZE - 1;
}

static bool
is_table(const char *text)
{
	const char *error;
	long long   table = strtonum(text, 0, UINT32_MAX, &error);

	return error == NULL && text[0] >= '0' && text[0] <= '9' &&
	    rules_is_table((uint32_t)table);
}

static bool
is_number(const char *text)
{
	size_t digits = strspn(text + (text[0] == '-'), "0123456789");

	return digits > 0 && digits <= 5 &&
	    text[(text[0] == '-') + digits] == '\0';
}
