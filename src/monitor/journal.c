/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
#include "monitor/dns.h"
#include "monitor/link.h"
#include "monitor/prefix_set.h"
#include "monitor/rules.h"
#include "monitor/wall.h"

#define HEADER	  "tombolo-journal 1\n"
#define MAX_SIZE  (1024 * 1024)
#define KEY_SIZE  64 /* net/ipv6/conf/ + 15 + /accept_redirects */
#define NUM_SIZE  8
#define LINE_SIZE (KEY_SIZE + 64)

enum note_kind { NOTE_SYSCTL, NOTE_BRIDGE, NOTE_POLICY, NOTE_RESOLVCONF };

/* One line; what is not of its kind is empty. */
struct note {
	TAILQ_ENTRY(note) entry;
	enum note_kind kind;
	char	 key[KEY_SIZE];
	char	 old_value[NUM_SIZE], new_value[NUM_SIZE];
	char	 bridge[16];
	uint8_t	 mac[6];
	uint32_t table;
	char	 record[DNS_RECORD_SIZE];
};

TAILQ_HEAD(notes, note);

struct journal {
	char	    *path;
	struct notes notes; /* newest first */
};

/* Where "*" stands for one interface. */
static const char *const sysctl_keys[] = {
	"net/ipv4/ip_forward",
	"net/ipv4/conf/*/forwarding",
	"net/ipv4/conf/all/accept_redirects",
	"net/ipv4/conf/all/rp_filter",
	"net/ipv4/conf/all/src_valid_mark",
	"net/ipv6/conf/*/accept_ra",
	"net/ipv6/conf/*/forwarding",
};

static int  add_note(struct journal *journal, const struct note *note);
static int  save(const struct journal *journal);
static int  sweep(struct journal *journal, uint32_t keep);
static bool parse(struct journal *journal, char *text);
static bool parse_note(struct note *note, char *line);
static bool parse_bridge(struct note *note, char *const *words);
static bool parse_sysctl(struct note *note, char *const *words);
static bool parse_policy(struct note *note, char *const *words);
static bool parse_resolvconf(struct note *note, char *const *words);
static bool parse_mac(uint8_t mac[6], const char *text);
static void print_note(FILE *out, const struct note *note);
static bool undo_notes(struct journal *journal, uint32_t keep);
static void undo_note(const struct note *note, struct link **link,
    uint32_t keep);
static void undo_bridge(struct link *link, const struct note *note);
static void undo_policy(struct link *link, const struct note *note,
    uint32_t keep);
static void undo_sysctl(const struct note *note);
static void journal_free(struct journal *journal);
static bool is_name(const char *name, size_t len);
static bool is_number(const char *text);
static bool is_our_key(const char *key);
static bool key_matches(const char *pattern, const char *key);
static int  open_key(const char *key, int flags);

static const struct {
	const char *word;
	size_t	    nwords;
	bool (*parse)(struct note *note, char *const *words);
} kinds[] = {
	[NOTE_SYSCTL] = { "sysctl", 4, parse_sysctl },
	[NOTE_BRIDGE] = { "bridge", 3, parse_bridge },
	[NOTE_POLICY] = { "policy", 2, parse_policy },
	[NOTE_RESOLVCONF] = { "resolvconf", 2, parse_resolvconf },
};

struct journal *
journal_open(const char *path)
{
	return journal_reopen(path, 0);
}

struct journal *
journal_reopen(const char *path, uint32_t keep)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int		r;

	if (journal == NULL)
		return NULL;
	TAILQ_INIT(&journal->notes);
	journal->path = strdup(path);
	if (journal->path == NULL) {
		journal_free(journal);
		return NULL;
	}
	r = sweep(journal, keep);
	if (r < 0) {
		journal_free(journal);
		errno = -r;
		return NULL;
	}
	return journal;
}

int
journal_bridge(struct journal *journal, const char *name, const uint8_t mac[6])
{
	struct note note = { .kind = NOTE_BRIDGE };

	if (!is_name(name, strlen(name)))
		return -EINVAL;
	strlcpy(note.bridge, name, sizeof(note.bridge));
	memcpy(note.mac, mac, sizeof(note.mac));
	return add_note(journal, &note);
}

int
journal_sysctl(struct journal *journal, const char *key, const char *old_value,
    const char *new_value)
{
	struct note note = { .kind = NOTE_SYSCTL };

	if (!is_our_key(key))
		return -EPERM;
	if (!is_number(old_value) || !is_number(new_value))
		return -EINVAL;
	strlcpy(note.key, key, sizeof(note.key));
	strlcpy(note.old_value, old_value, sizeof(note.old_value));
	strlcpy(note.new_value, new_value, sizeof(note.new_value));
	return add_note(journal, &note);
}

int
journal_policy(struct journal *journal, uint32_t table)
{
	struct note note = { .kind = NOTE_POLICY, .table = table };

	return rules_is_table(table) ? add_note(journal, &note) : -EINVAL;
}

bool
journal_has_policy(const struct journal *journal)
{
	const struct note *note;

	TAILQ_FOREACH(note, &journal->notes, entry) {
		if (note->kind == NOTE_POLICY)
			return true;
	}
	return false;
}

int
journal_resolvconf(struct journal *journal, const char *record)
{
	struct note note = { .kind = NOTE_RESOLVCONF };

	if (!dns_is_record(record))
		return -EINVAL;
	strlcpy(note.record, record, sizeof(note.record));
	return add_note(journal, &note);
}

void
journal_undo(struct journal *journal)
{
	if (journal == NULL)
		return;
	(void)undo_notes(journal, 0);
	if (unlink(journal->path) == -1 && errno != ENOENT)
		log_warn("%s", journal->path);
	journal_free(journal);
}

int
journal_sysctl_read(const char *key, char *value, int size)
{
	ssize_t n;
	int	fd = open_key(key, O_RDONLY), r = 0;

	if (fd < 0)
		return fd;
	n = read(fd, value, (size_t)size - 1);
	if (n == -1)
		r = -errno;
	close(fd);
	if (r < 0)
		return r;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

int
journal_sysctl_write(const char *key, const char *value)
{
	int fd = open_key(key, O_WRONLY), r = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) == -1)
		r = -errno;
	close(fd);
	return r;
}

/* ------------------------------------------------------------- the file */

/* In the file before it is true: what is undone in vain does no harm. */
static int
add_note(struct journal *journal, const struct note *note)
{
	struct note *copy = malloc(sizeof(*copy));
	int	     r;

	if (copy == NULL)
		return -ENOMEM;
	*copy = *note;
	TAILQ_INSERT_HEAD(&journal->notes, copy, entry);
	r = save(journal);
	if (r < 0) {
		TAILQ_REMOVE(&journal->notes, copy, entry);
		free(copy);
	}
	return r;
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
	TAILQ_FOREACH_REVERSE(note, &journal->notes, notes, entry)
		print_note(out, note);
	r = fclose(out) == EOF ? -errno : 0;
	if (r == 0)
		r = file_write(journal->path, text, len, 0600, (uid_t)-1,
		    (gid_t)-1);
	free(text);
	return r;
}

static int
sweep(struct journal *journal, uint32_t keep)
{
	size_t len;
	char  *text;
	int    r = file_read(journal->path, MAX_SIZE, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	log_info("%s: the last run did not end well; putting back what it "
		 "changed", journal->path);
	if (!parse(journal, text))
		log_warnx("%s: not all of it can be understood; passed over",
		    journal->path);
	free(text);
	if (undo_notes(journal, keep))
		return journal_policy(journal, keep);
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
		struct note note = { 0 }, *copy;

		if (line[0] == '\0')
			continue;
		copy = parse_note(&note, line) ? malloc(sizeof(*copy)) : NULL;
		if (copy == NULL) {
			whole = false;
			continue;
		}
		*copy = note;
		TAILQ_INSERT_HEAD(&journal->notes, copy, entry);
	}
	return whole;
}

static bool
parse_note(struct note *note, char *line)
{
	char  *words[4] = { 0 };
	size_t n = 0;

	while (n < nitems(words) && (words[n] = strsep(&line, " ")) != NULL)
		n++;
	if (line != NULL)
		return false;
	for (size_t i = 0; i < nitems(kinds); i++) {
		if (n != kinds[i].nwords || strcmp(words[0], kinds[i].word) != 0)
			continue;
		note->kind = (enum note_kind)i;
		return kinds[i].parse(note, words);
	}
	return false;
}

static bool
parse_bridge(struct note *note, char *const *words)
{
	if (!is_name(words[1], strlen(words[1])))
		return false;
	strlcpy(note->bridge, words[1], sizeof(note->bridge));
	return parse_mac(note->mac, words[2]);
}

static bool
parse_sysctl(struct note *note, char *const *words)
{
	if (!is_our_key(words[1]) || !is_number(words[2]) ||
	    !is_number(words[3]))
		return false;
	strlcpy(note->key, words[1], sizeof(note->key));
	strlcpy(note->old_value, words[2], sizeof(note->old_value));
	strlcpy(note->new_value, words[3], sizeof(note->new_value));
	return true;
}

static bool
parse_policy(struct note *note, char *const *words)
{
	const char *error;

	note->table = (uint32_t)strtonum(words[1], 0, UINT32_MAX, &error);
	return error == NULL && words[1][0] >= '0' && words[1][0] <= '9' &&
	    rules_is_table(note->table);
}

static bool
parse_resolvconf(struct note *note, char *const *words)
{
	if (!dns_is_record(words[1]))
		return false;
	strlcpy(note->record, words[1], sizeof(note->record));
	return true;
}

static bool
parse_mac(uint8_t mac[6], const char *text)
{
	int end = 0;

	return strspn(text, "0123456789abcdef:") == strlen(text) &&
	    sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0],
		&mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &end) == 6 &&
	    end == 17 && text[end] == '\0';
}

static void
print_note(FILE *out, const struct note *note)
{
	fprintf(out, "%s ", kinds[note->kind].word);
	switch (note->kind) {
	case NOTE_SYSCTL:
		fprintf(out, "%s %s %s\n", note->key, note->old_value,
		    note->new_value);
		break;
	case NOTE_BRIDGE:
		fprintf(out, "%s %02x:%02x:%02x:%02x:%02x:%02x\n",
		    note->bridge, note->mac[0], note->mac[1], note->mac[2],
		    note->mac[3], note->mac[4], note->mac[5]);
		break;
	case NOTE_POLICY:
		fprintf(out, "%u\n", note->table);
		break;
	case NOTE_RESOLVCONF:
		fprintf(out, "%s\n", note->record);
		break;
	}
}

/* -------------------------------------------------------------- undoing */

/* Whether the wall of the table `keep` (0: none) was there, and is. */
static bool
undo_notes(struct journal *journal, uint32_t keep)
{
	struct link *link = NULL;
	struct note *note, *next;
	bool	     kept = false;

	for (note = TAILQ_FIRST(&journal->notes); note != NULL; note = next) {
		next = TAILQ_NEXT(note, entry);
		undo_note(note, &link, keep);
		kept = kept ||
		    (note->kind == NOTE_POLICY && note->table == keep);
		free(note);
	}
	TAILQ_INIT(&journal->notes);
	link_close(link);
	return kept;
}

static void
undo_note(const struct note *note, struct link **link, uint32_t keep)
{
	switch (note->kind) {
	case NOTE_SYSCTL:
		undo_sysctl(note);
		break;
	case NOTE_BRIDGE:
		if (*link == NULL)
			*link = link_open();
		undo_bridge(*link, note);
		break;
	case NOTE_POLICY:
		if (*link == NULL)
			*link = link_open();
		undo_policy(*link, note, keep);
		break;
	case NOTE_RESOLVCONF:
		dns_remove_record(note->record);
		break;
	}
}

static void
undo_bridge(struct link *link, const struct note *note)
{
	uint8_t mac[6];
	int	r;

	if (link == NULL) {
		log_warnx("%s: no netlink: the bridge stays", note->bridge);
		return;
	}
	if (link_index(link, note->bridge) < 0)
		return;
	if (link_mac(link, note->bridge, mac) < 0 ||
	    memcmp(mac, note->mac, sizeof(mac)) != 0) {
		log_info("%s: is no longer the bridge that was made here: it "
			 "stays", note->bridge);
		return;
	}
	r = link_remove_bridge(link, note->bridge);
	if (r == 0)
		log_info("%s: bridge removed", note->bridge);
	else if (r == -EBUSY)
		log_info("%s: has ports of others by now: the bridge stays",
		    note->bridge);
	else
		log_warnx("%s: the bridge could not be removed: %s",
		    note->bridge, strerror(-r));
}

static void
undo_policy(struct link *link, const struct note *note, uint32_t keep)
{
	static const struct prefix_set none;
	const struct link_routes       nothing = { .set = &none };
	struct rules *rules = rules_open();
	int	      r = rules != NULL && link != NULL ?
	    rules_remove(rules, note->table) :
	    -ENOMEM;

	rules_close(rules);
	if (r >= 0)
		r = link_set_routes(link, note->table, &nothing);
	if (r < 0)
		log_warnx("the rules for table %u could not be removed: %s; "
			  "ip rule shows them", note->table, strerror(-r));
	if (note->table != keep)
		wall_remove(note->table);
}

static void
undo_sysctl(const struct note *note)
{
	char now[NUM_SIZE];
	int  r = journal_sysctl_read(note->key, now, sizeof(now));

	if (r == -ENOENT) /* it went with its interface */
		return;
	if (r == 0 && strcmp(now, note->old_value) == 0)
		return;
	if (r == 0 && strcmp(now, note->new_value) != 0) {
		log_info("%s: somebody has set it to %s since: it stays",
		    note->key, now);
		return;
	}
	if (r == 0)
		r = journal_sysctl_write(note->key, note->old_value);
	if (r < 0)
		log_warnx("%s: could not be set back to %s: %s", note->key,
		    note->old_value, strerror(-r));
	else
		log_info("%s: set back to %s", note->key, note->old_value);
}

static void
journal_free(struct journal *journal)
{
	struct note *note;

	while ((note = TAILQ_FIRST(&journal->notes)) != NULL) {
		TAILQ_REMOVE(&journal->notes, note, entry);
		free(note);
	}
	free(journal->path);
	free(journal);
}

/* ----------------------------------------------------- what may be a key */

/* An interface's name as the kernel allows it, and no way up a path. */
static bool
is_name(const char *name, size_t len)
{
	if (len == 0 || len > 15 || (len == 1 && name[0] == '.') ||
	    (len == 2 && strncmp(name, "..", 2) == 0))
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] <= ' ' || name[i] == '/' || name[i] == 0x7f)
			return false;
	}
	return true;
}

static bool
is_number(const char *text)
{
	size_t digits = strspn(text + (text[0] == '-'), "0123456789");

	return digits > 0 && digits <= 5 &&
	    text[(text[0] == '-') + digits] == '\0';
}

static bool
is_our_key(const char *key)
{
	if (strlen(key) >= KEY_SIZE)
		return false;
	for (size_t i = 0; i < nitems(sysctl_keys); i++) {
		if (key_matches(sysctl_keys[i], key))
			return true;
	}
	return false;
}

static bool
key_matches(const char *pattern, const char *key)
{
	const char *star = strchr(pattern, '*');
	size_t	    before, name;

	if (star == NULL)
		return strcmp(pattern, key) == 0;
	before = (size_t)(star - pattern);
	if (strncmp(pattern, key, before) != 0)
		return false;
	name = strcspn(key + before, "/");
	return is_name(key + before, name) &&
	    strcmp(star + 1, key + before + name) == 0;
}

/* For the other keys too, that go with our device and so are in no journal. */
static int
open_key(const char *key, int flags)
{
	char path[PATH_MAX];
	int  fd;

	if (strncmp(key, "net/", 4) != 0 || strstr(key, "/../") != NULL ||
	    (size_t)snprintf(path, sizeof(path), "/proc/sys/%s", key) >=
		sizeof(path))
		return -EINVAL;
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd == -1 ? -errno : fd;
}
