/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's file: what is written before anything is done, and what of a
 * file that was tampered with is believed.  That things are really put back is
 * for tests/netns/check_hands.c; nothing here changes this host.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/file.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/journal.h"

#define HEADER	"tombolo-journal 1\n"
#define FORWARD "net/ipv4/ip_forward"

static const uint8_t mac[6] = { 0x02, 0, 0, 0, 0xab, 0xff };

static char dir[32];
static char path[64];

static void
make_dir(void)
{
	strlcpy(dir, "/tmp/journal.XXXXXX", sizeof(dir));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.journal", dir);
}

static void
remove_dir(void)
{
	unlink(path);
	ck_assert_msg(rmdir(dir) == 0, "something was left in %s", dir);
}

static void
write_file(const char *text, size_t len)
{
	ck_assert_int_eq(file_write(path, text, len, 0600, (uid_t)-1,
			     (gid_t)-1),
	    0);
}

static void
assert_file(const char *expected)
{
	char  *text;
	size_t len;

	ck_assert_int_eq(file_read(path, 4096, &text, &len), 0);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(note_is_in_the_file_before_anything_is_done)
{
	struct journal *journal;
	struct stat	st;

	make_dir();
	journal = journal_open(path);
	ck_assert_ptr_nonnull(journal);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(journal_bridge(journal, "no-such-br", mac), 0);
	assert_file(HEADER "bridge no-such-br 02:00:00:00:ab:ff\n");
	ck_assert_int_eq(journal_sysctl(journal, FORWARD, "7", "9"), 0);
	assert_file(HEADER "bridge no-such-br 02:00:00:00:ab:ff\n"
			   "sysctl " FORWARD " 7 9\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	journal_undo(journal);
	ck_assert_int_eq(access(path, F_OK), -1);
	journal_undo(NULL);
	remove_dir();
}
END_TEST

START_TEST(note_that_cannot_be_written_is_refused_and_forgotten)
{
	struct journal *journal;

	make_dir();
	journal = journal_open(path);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(journal_bridge(journal, "no-such-br", mac), -ENOENT);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(journal_sysctl(journal, FORWARD, "7", "9"), 0);
	assert_file(HEADER "sysctl " FORWARD " 7 9\n");
	journal_undo(journal);
	remove_dir();
}
END_TEST

/* No key ever is 9: undoing touches nothing. */
static const struct {
	const char *what, *key, *old_value, *new_value;
	int	    result;
} sysctls[] = {
	{ "forwarding", FORWARD, "7", "9", 0 },
	{ "IPv6 forwarding", "net/ipv6/conf/all/forwarding", "7", "9", 0 },
	{ "an interface", "net/ipv6/conf/eth0/accept_ra", "7", "9", 0 },
	{ "one with a tag", "net/ipv6/conf/eth0.5/accept_ra", "7", "9", 0 },
	{ "the longest name", "net/ipv6/conf/123456789012345/accept_ra", "7",
	    "9", 0 },
	{ "a negative number", "net/ipv6/conf/eth0/accept_ra", "-1", "9", 0 },
	{ "a longer name", "net/ipv6/conf/1234567890123456/accept_ra", "7",
	    "9", -EPERM },
	{ "no name", "net/ipv6/conf//accept_ra", "7", "9", -EPERM },
	{ "another key of it", "net/ipv6/conf/eth0/mtu", "7", "9", -EPERM },
	{ "another key", "kernel/core_pattern", "7", "9", -EPERM },
	{ "a path", "/proc/sys/net/ipv4/ip_forward", "7", "9", -EPERM },
	{ "up as a name", "net/ipv6/conf/../accept_ra", "7", "9", -EPERM },
	{ "a way up", "net/ipv6/conf/a/../accept_ra", "7", "9", -EPERM },
	{ "up at the start", "../net/ipv4/ip_forward", "7", "9", -EPERM },
	{ "more behind it", FORWARD "/x", "7", "9", -EPERM },
	{ "nothing", "", "7", "9", -EPERM },
	{ "a space in the name", "net/ipv6/conf/a b/accept_ra", "7", "9",
	    -EPERM },
	{ "a line break", "net/ipv6/conf/a\nb/accept_ra", "7", "9", -EPERM },
	{ "words", FORWARD, "on", "9", -EINVAL },
	{ "an empty value", FORWARD, "", "9", -EINVAL },
	{ "a sign alone", FORWARD, "-", "9", -EINVAL },
	{ "two numbers", FORWARD, "7 8", "9", -EINVAL },
	{ "a long number", FORWARD, "123456", "9", -EINVAL },
	{ "a bad new value", FORWARD, "7", "9\n", -EINVAL },
};

START_TEST(only_keys_of_the_list_and_numbers_are_noted)
{
	make_dir();
	for (size_t i = 0; i < nitems(sysctls); i++) {
		struct journal *journal = journal_open(path);
		int r = journal_sysctl(journal, sysctls[i].key,
		    sysctls[i].old_value, sysctls[i].new_value);

		ck_assert_msg(r == sysctls[i].result, "%s: %d",
		    sysctls[i].what, r);
		ck_assert_msg((access(path, F_OK) == 0) == (r == 0), "%s",
		    sysctls[i].what);
		journal_undo(journal);
	}
	remove_dir();
}
END_TEST

START_TEST(bridge_names_that_cannot_be_are_refused)
{
	static const char *const names[] = { "", ".", "..", "a/b", "a b",
		"1234567890123456", "a\nb" };
	struct journal *journal;

	make_dir();
	journal = journal_open(path);
	for (size_t i = 0; i < nitems(names); i++)
		ck_assert_msg(journal_bridge(journal, names[i], mac) == -EINVAL,
		    "%s", names[i]);
	ck_assert_int_eq(access(path, F_OK), -1);
	journal_undo(journal);
	remove_dir();
}
END_TEST

/* In the kernel, and known to resolvconf, they are in tests/netns. */
START_TEST(rules_and_records_are_noted_when_they_can_be_ours)
{
	static struct journal *journal; /* stays as it is: see below */

	make_dir();
	journal = journal_open(path);
	ck_assert_int_eq(journal_policy(journal, 254), -EINVAL);
	ck_assert_int_eq(journal_policy(journal, 155000), -EINVAL);
	ck_assert_int_eq(journal_resolvconf(journal, "-x"), -EINVAL);
	ck_assert_int_eq(journal_resolvconf(journal, ""), -EINVAL);
	ck_assert_int_eq(journal_resolvconf(journal, "a b"), -EINVAL);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(journal_policy(journal, 155007), 0);
	ck_assert_int_eq(journal_resolvconf(journal, "tun.123456789012345"), 0);
	/* Put back often, noted once. */
	ck_assert_int_eq(journal_policy(journal, 155007), 0);
	assert_file(HEADER "policy 155007\nresolvconf tun.123456789012345\n");
	/* Undoing is not for this host. */
	ck_assert_int_eq(unlink(path), 0);
	remove_dir();
}
END_TEST

/* Whatever it says: it is swept, nothing is harmed, and it is gone. */
static const struct {
	const char *what, *text;
} garbage[] = {
	{ "nothing", "" },
	{ "the header alone", HEADER },
	{ "a part of the header", "tombolo-jour" },
	{ "another version", "tombolo-journal 2\nbridge lo 00:00:00:00:00:00\n" },
	{ "empty lines", HEADER "\n\n\n" },
	{ "an unknown word", HEADER "route 10.0.0.0/8\n" },
	{ "no end of line", HEADER "bridge no-such-br 02:00:00:00:ab:ff" },
	{ "too few words", HEADER "bridge no-such-br\nsysctl\nbridge\n" },
	{ "too many", HEADER "bridge no-such-br 02:00:00:00:ab:ff x\n"
		      "sysctl net/ipv4/ip_forward 8 9 7\n" },
	{ "a MAC that is none", HEADER "bridge lo 0\nbridge lo 0:0:0:0:0:0\n"
		      "bridge lo 00:00:00:00:00:000\nbridge lo 00:00:00:00:00\n"
		      "bridge lo -1:00:00:00:00:00\n" },
	{ "an interface that is no bridge",
	    HEADER "bridge lo 00:00:00:00:00:00\n" },
	{ "a value that is not the key's", HEADER
	    "sysctl net/ipv4/ip_forward 8 9\n" },
	{ "an interface that is not there", HEADER
	    "sysctl net/ipv6/conf/no-such-if/accept_ra 1 2\n" },
	{ "tables that cannot be ours", HEADER
	    "policy 254\npolicy 155000\npolicy\npolicy -1\npolicy 155007x\n"
	    "policy 4294967295\npolicy 155007 1\npolicy +155007\n" },
	{ "records that cannot be ours", HEADER
	    "resolvconf -a\nresolvconf ../eth0\nresolvconf a;b\nresolvconf\n"
	    "resolvconf tun.1234567890123456\nresolvconf a b\n" },
	{ "bytes", HEADER "\x80\xff\x01 \x1b[2J\n" },
};

START_TEST(garbage_is_swept_without_harm)
{
	char before[16], after[16];

	make_dir();
	ck_assert_int_eq(sysctl_read(FORWARD, before, 16), 0);
	for (size_t i = 0; i < nitems(garbage); i++) {
		struct journal *journal;

		write_file(garbage[i].text, strlen(garbage[i].text));
		journal = journal_open(path);
		ck_assert_msg(journal != NULL, "%s", garbage[i].what);
		ck_assert_msg(access(path, F_OK) == -1, "%s", garbage[i].what);
		journal_undo(journal);
	}
	ck_assert_int_eq(sysctl_read(FORWARD, after, 16), 0);
	ck_assert_str_eq(before, after);
	remove_dir();
}
END_TEST

START_TEST(random_bytes_are_swept_without_harm)
{
	uint64_t state = 7;
	char	 text[512];

	make_dir();
	for (int round = 0; round < 200; round++) {
		size_t len = strlcpy(text, HEADER, sizeof(text));

		while (len < sizeof(text)) {
			static const char some[] = "bridgesyctl /.:0\n-a";

			text[len++] = unit_below(&state, 8) == 0 ?
			    (char)unit_below(&state, 256) :
			    some[unit_below(&state, sizeof(some))];
		}
		write_file(text, unit_below(&state, sizeof(text)));
		journal_undo(journal_open(path));
		ck_assert_int_eq(access(path, F_OK), -1);
	}
	remove_dir();
}
END_TEST

/* A key's path cannot lead out of /proc/sys/net, whatever it is made of. */
START_TEST(key_outside_net_is_not_followed)
{
	static const char *const keys[] = { "kernel/hostname",
		"net/../kernel/hostname", "net/ipv4/../../kernel/hostname",
		"/etc/hostname", "", "net", "netx/y" };
	char value[64];

	for (size_t i = 0; i < nitems(keys); i++) {
		ck_assert_msg(sysctl_read(keys[i], value,
				  sizeof(value)) == -EINVAL,
		    "%s", keys[i]);
		ck_assert_msg(sysctl_write(keys[i], "x") == -EINVAL,
		    "%s", keys[i]);
	}
	ck_assert_int_eq(sysctl_read("net/ipv4/none", value,
			     sizeof(value)),
	    -ENOENT);
	ck_assert_int_eq(sysctl_read(FORWARD, value, sizeof(value)), 0);
	ck_assert_ptr_null(strchr(value, '\n'));
}
END_TEST

START_TEST(journal_that_cannot_be_read_is_an_error)
{
	make_dir();
	ck_assert_int_eq(mkdir(path, 0700), 0);
	errno = 0;
	ck_assert_ptr_null(journal_open(path));
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_eq(rmdir(path), 0);
	remove_dir();
}
END_TEST

UNIT_MAIN("journal", note_is_in_the_file_before_anything_is_done,
    note_that_cannot_be_written_is_refused_and_forgotten,
    only_keys_of_the_list_and_numbers_are_noted,
    bridge_names_that_cannot_be_are_refused,
    rules_and_records_are_noted_when_they_can_be_ours, garbage_is_swept_without_harm,
    random_bytes_are_swept_without_harm, key_outside_net_is_not_followed,
    journal_that_cannot_be_read_is_an_error)
