/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations: tests/golden/NAME.in gives NAME.ok, the printed form or all
 * the complaints; what is printed parses to the same; directories are read.
 */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/file.h"
#include "conf/conf_keys.h"
#include "conf/conf_socket.h"
#include "conf/conf_types.h"

#define TEXT_MAX ((size_t)1024 * 1024)

struct complaints {
	char	 text[65536];
	unsigned n;
};

static void
collect(void *arg, const char *text)
{
	struct complaints *all = arg;
	size_t		   len = strlen(all->text);

	all->n++;
	snprintf(all->text + len, sizeof(all->text) - len, "%s\n", text);
}

/* NULL with complaints, or a conf without any. */
static struct conf *
parse(const char *text, size_t len, const char *name, struct complaints *all)
{
	struct conf_errors errors = { .say = collect, .arg = all };
	struct conf	  *conf;

	*all = (struct complaints) { 0 };
	conf = conf_parse_text(text, len, name, "/etc/tombolo", &errors);
	ck_assert_uint_eq(errors.n == 0, conf != NULL);
	ck_assert_uint_eq(all->n == 0, conf != NULL);
	return conf;
}

static char *
print(const struct conf *conf)
{
	char  *text;
	size_t len;
	FILE  *out = open_memstream(&text, &len);

	conf_print(out, conf);
	fclose(out);
	return text;
}

static const char *
golden_dir(void)
{
	static char path[512];
	const char *srcdir = getenv("srcdir");

	snprintf(path, sizeof(path), "%s/tests/golden",
	    srcdir != NULL ? srcdir : ".");
	return path;
}

static int
is_input(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && strcmp(entry->d_name + len - 3, ".in") == 0;
}

/* A build without PAM does not have it among the defaults. */
static void
drop_unbuilt(char *text)
{
	static const char line[] = "auth = pam\n";
	const char	 *why;
	char		 *at;

	while (!conf_auth_is_built(CONF_AUTH_PAM, &why) &&
	    (at = strstr(text, line)) != NULL)
		memmove(at, at + strlen(line), strlen(at + strlen(line)) + 1);
}

static void
one_golden(const char *input)
{
	static struct complaints all;
	char	     name[256], want_path[1024], path[1024];
	char	    *text, *got, *want;
	size_t	     len, want_len;
	struct conf *conf;

	snprintf(path, sizeof(path), "%s/%s", golden_dir(), input);
	snprintf(name, sizeof(name), "%.*s", (int)strlen(input) - 3, input);
	snprintf(want_path, sizeof(want_path), "%s/%s.ok", golden_dir(), name);
	ck_assert_int_eq(file_read(path, TEXT_MAX, &text, &len), 0);
	conf = parse(text, len, input, &all);
	got = conf != NULL ? print(conf) : strdup(all.text);
	/* Look at what it wrote before it is kept. */
	if (getenv("GOLDEN_WRITE") != NULL)
		file_write(want_path, got, strlen(got), 0644, (uid_t)-1,
		    (gid_t)-1);
	ck_assert_msg(file_read(want_path, TEXT_MAX, &want, &want_len) == 0,
	    "%s: cannot be read", want_path);
	drop_unbuilt(want);
	ck_assert_msg(strcmp(got, want) == 0, "%s gives\n%snot\n%s", input, got,
	    want);
	ck_assert_msg((strncmp(name, "wrong-", 6) == 0) == (conf == NULL),
	    "%s: is it wrong or not?", name);
	conf_free(conf);
	free(text);
	free(got);
	free(want);
}

START_TEST(each_golden_gives_what_it_should)
{
	struct dirent **entries;
	int		n = scandir(golden_dir(), &entries, is_input, alphasort);

	ck_assert_int_ge(n, 16);
	for (int i = 0; i < n; i++) {
		one_golden(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}
END_TEST

static void
check_prints_again(const char *text)
{
	static struct complaints all;
	struct conf *first = parse(text, strlen(text), "first", &all);
	struct conf *second;
	char	    *once, *again;

	ck_assert_msg(first != NULL, "%s\nof\n%s", all.text, text);
	once = print(first);
	second = parse(once, strlen(once), "second", &all);
	ck_assert_msg(second != NULL, "%s\nof\n%s", all.text, once);
	again = print(second);
	ck_assert_str_eq(once, again);
	ck_assert_uint_eq(first->nsites, second->nsites);
	conf_free(first);
	conf_free(second);
	free(once);
	free(again);
}

START_TEST(golden_prints_parse_to_the_same)
{
	static struct complaints all;
	struct dirent **entries;
	int		n = scandir(golden_dir(), &entries, is_input, alphasort);

	ck_assert_int_gt(n, 0);
	for (int i = 0; i < n; i++) {
		char	     path[1024];
		char	    *text;
		size_t	     len;
		struct conf *conf;

		snprintf(path, sizeof(path), "%s/%s", golden_dir(),
		    entries[i]->d_name);
		ck_assert_int_eq(file_read(path, TEXT_MAX, &text, &len), 0);
		conf = parse(text, len, "x", &all);
		if (conf != NULL)
			check_prints_again(text);
		conf_free(conf);
		free(text);
		free(entries[i]);
	}
	free(entries);
}
END_TEST

/* Whichever goes with the other keys, and is in every build. */
static void
put_random_word(FILE *out, const struct words *words, unsigned number)
{
	if (words == &conf_words_auth)
		fputs(number % 2 == 0 ? "password" : "srp", out);
	else if (words == &conf_words_auto)
		fputs(number % 2 == 0 ? "yes" : "auto", out);
	else
		fputs(words->names[number % words->n], out);
}

/* A value of the key's type, any that is allowed. */
static void
put_random_value(FILE *out, const struct conf_key *key, uint64_t *seed,
    unsigned number)
{
	static const char *const paths[] = { "/a", "b.crt", "/x y/\\#1", "/\\\\",
		"/\xc3\xa4" };
	static const char *const hosts[] = { "vpn.example.org", "192.0.2.1",
		"2001:db8::1", "a", "a_b-c.9" };
	static const char *const servers[] = { "h", "h:1", "[2001:db8::1]:65535",
		"2001:db8::1", "192.0.2.1:4433", "w weight 1000",
		"n:2 weight 7 name other.example", "m name 192.0.2.7" };
	static const char *const listens[] = { "any", "any:443", "192.0.2.1",
		"[2001:db8::7]:65535" };
	static const char *const offloads[] = { "csum", "tso4", "tso6", "gso",
		"gro" };
	unsigned net = (unsigned)unit_below(seed, 200);

	switch (key->type) {
	case CONF_TYPE_PATH:
		fputs(strcmp(key->name, "socket") == 0 ? "/run/x y.sock" :
			paths[unit_below(seed, nitems(paths))], out);
		break;
	case CONF_TYPE_HOST:
		fputs(hosts[unit_below(seed, nitems(hosts))], out);
		break;
	case CONF_TYPE_SERVER:
		fputs(servers[number % nitems(servers)], out);
		break;
	case CONF_TYPE_PORT:
		fprintf(out, "%u", 1 + (unsigned)unit_below(seed, 65535));
		break;
	case CONF_TYPE_NUMBER:
		if (strcmp(key->name, "dead-peer") == 0)
			fprintf(out, "%u", 3601 + net);
		else if (strcmp(key->name, "max-addresses") == 0)
			fprintf(out, "%u", key->max - net);
		else if ((key->flags & CONF_KEY_AUTO) != 0 && net < 50)
			fputs("auto", out);
		else
			fprintf(out, "%u", key->min +
				(unsigned)unit_below(seed, key->max - key->min));
		break;
	case CONF_TYPE_LISTEN:
		fputs(listens[number % nitems(listens)], out);
		break;
	case CONF_TYPE_WORD:
		put_random_word(out, key->words, number);
		break;
	case CONF_TYPE_BITS: /* methods: put_random_auths() */
		fputs(offloads[number % 5], out);
		break;
	case CONF_TYPE_PROXY:
		fputs(net < 100 ? "http://p.example:3128" :
			"socks5://[2001:db8::7]:1080", out);
		break;
	case CONF_TYPE_BOOL:
		fputs(net < 100 ? "yes" : "no", out);
		break;
	case CONF_TYPE_SERVICE:
		fprintf(out, "tombolo-%u", net);
		break;
	case CONF_TYPE_SITE:
		fprintf(out, "site-%u", net);
		break;
	case CONF_TYPE_DEVICE:
		fprintf(out, "%.2s%u", key->name, net);
		break;
	case CONF_TYPE_HOSTS:
		fprintf(out, "10.200.%u.%u", number / 200, 2 + number % 200);
		break;
	case CONF_TYPE_ADDRESSES:
		fprintf(out, "192.168.%u.%u/24", number, 1 + net);
		break;
	case CONF_TYPE_NETWORKS:
		if (strcmp(key->name, "tunnel-network") == 0)
			fprintf(out, "10.%u.0.0/16", 200 + number);
		else if (number % 2 == 0)
			fprintf(out, "172.%u.%u.0/24", key->section, number);
		else
			fprintf(out, "fd00:%x:%x::/48", key->section, number);
		break;
	case CONF_TYPE_NAMES:
	case CONF_TYPE_DOMAINS:
		fprintf(out, "d%u.example.org", number);
		break;
	case CONF_TYPE_MARK:
		fprintf(out, net < 100 ? "%u" : "%#x/0xffff", net + 1);
		break;
	}
	fputc('\n', out);
}

/* Those that the sites of random_conf() have among them. */
static void
put_random_auths(FILE *out, uint64_t *seed)
{
	static const char *const methods[] = { "srp", "password",
		"certificate" };
	size_t n = 2 + unit_below(seed, 2);

	while (n-- > 0)
		fprintf(out, "auth = %s\n", methods[n]);
}

static bool
is_wanted(const struct conf_key *key, enum conf_role role, enum conf_mode mode,
    bool bridged, uint64_t *seed)
{
	if (!conf_key_applies(key, role, mode) || key->words == &conf_words_mode)
		return false;
	/* The one of a pair that needs, or excludes, the other. */
	if (strcmp(key->name, "bridge") == 0)
		return bridged;
	if (strcmp(key->name, "create-bridge") == 0 && !bridged)
		return false;
	if (key->type == CONF_TYPE_ADDRESSES && bridged)
		return false;
	if (strcmp(key->name, "keepalive") == 0 ||
	    strcmp(key->name, "max-addresses-per-site") == 0)
		return false;
	return (key->flags & CONF_KEY_REQUIRED) != 0 ||
	    key->type == CONF_TYPE_HOSTS || unit_below(seed, 2) == 0;
}

static char *
random_conf(uint64_t *seed)
{
	enum conf_role role = (enum conf_role)unit_below(seed, 2);
	enum conf_mode mode = (enum conf_mode)unit_below(seed, 2);
	bool	 bridged = mode == CONF_TAP && unit_below(seed, 2) == 0;
	unsigned sites = role == CONF_SERVER ? (unsigned)unit_below(seed, 9) : 0;
	unsigned number = 0;
	char	*text;
	size_t	 len;
	FILE	*out = open_memstream(&text, &len);

	for (unsigned s = 0; s < CONF_IN_SITE + sites; s++) {
		enum conf_section section = s < CONF_IN_SITE ? s : CONF_IN_SITE;

		if ((section == CONF_IN_SERVER && role != CONF_SERVER) ||
		    (section == CONF_IN_CLIENT && role != CONF_CLIENT))
			continue;
		fprintf(out, section == CONF_IN_SITE ? "[%s s%u]\n" : "[%s]\n",
		    conf_section_name(section), s);
		if (section == CONF_IN_INTERFACE)
			fprintf(out, "mode = %s\n", conf_mode_name(mode));
		/* The first is where sites' addresses are in. */
		if (section == CONF_IN_INTERFACE && role == CONF_SERVER &&
		    mode == CONF_TUN)
			fprintf(out, "tunnel-network = 10.200.0.0/16\n");
		for (size_t i = 0; i < CONF_NKEYS; i++) {
			const struct conf_key *key = &conf_keys[i];
			size_t		       n;

			if (key->section != section ||
			    !is_wanted(key, role, mode, bridged, seed))
				continue;
			n = conf_types_is_list(key) ? 1 + unit_below(seed, 3) : 1;
			if (key->type == CONF_TYPE_BITS &&
			    key->words == &conf_words_auth) {
				put_random_auths(out, seed);
				continue;
			}
			while (n-- > 0) {
				fprintf(out, "%s = ", key->name);
				put_random_value(out, key, seed, ++number % 50);
			}
		}
	}
	fclose(out);
	return text;
}

START_TEST(random_confs_print_to_the_same)
{
	uint64_t seed = 1;

	for (int i = 0; i < 500; i++) {
		char *text = random_conf(&seed);

		check_prints_again(text);
		free(text);
	}
}
END_TEST

START_TEST(every_row_of_the_table_is_sound)
{
	char why[CONF_WHY_SIZE];

	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];
		struct conf	       conf = { 0 };
		struct conf_site       site = { 0 };
		void *base = key->section == CONF_IN_SITE ? (void *)&site :
							    (void *)&conf;
		const char *value = key->fallback != NULL ? key->fallback :
							    key->example;
		char  back[128] = "";
		FILE *out = fmemopen(back, sizeof(back), "w");

		ck_assert_msg(conf_key_find(key->section, key->name) == key,
		    "%s: twice", key->name);
		ck_assert_msg(value != NULL, "%s: neither default nor example",
		    key->name);
		ck_assert_msg(conf_types_parse(key, base, value, why),
		    "%s = %s: %s", key->name, value, why);
		conf_types_print(out, key, base, 0);
		fclose(out);
		ck_assert_str_eq(back, value);
		conf_types_free(key, base);
	}
}
END_TEST

static void
compare_mixed(const struct conf *old, const struct conf *new,
    const struct conf *mixed, unsigned *live, unsigned *fixed)
{
	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];
		bool is_live = (key->flags & CONF_KEY_LIVE) != 0;

		if (key->section == CONF_IN_SITE) {
			ck_assert(is_live);
			continue;
		}
		if (!conf_key_applies(key, old->role, old->mode))
			continue;
		ck_assert_msg(conf_print_is_same(key, mixed, is_live ? new : old),
		    "%s", key->name);
		if (conf_print_is_same(key, old, new))
			continue;
		if (is_live)
			++*live;
		else
			++*fixed;
	}
	ck_assert_uint_eq(mixed->nsites, new->nsites);
}

/*
 * Of any two of one role and mode: the live keys and the sites of the one, the
 * others of the other, and nothing else.
 */
START_TEST(live_keys_are_of_the_newer_and_all_others_of_the_older)
{
	static struct complaints all;
	uint64_t		 seed = 3;
	unsigned		 done = 0, live = 0, fixed = 0;

	while (done < 100) {
		char	    *a = random_conf(&seed), *b = random_conf(&seed);
		struct conf *old = parse(a, strlen(a), "old", &all);
		struct conf *new = parse(b, strlen(b), "new", &all), *mixed;
		char	    *text;
		size_t	     len;
		FILE	    *out;

		if (old->role != new->role || old->mode != new->mode)
			goto next;
		done++;
		out = open_memstream(&text, &len);
		conf_print_live(out, old, new);
		fclose(out);
		mixed = parse(text, len, "mixed", &all);
		/* What only makes sense together may not do so mixed. */
		if (mixed != NULL) {
			compare_mixed(old, new, mixed, &live, &fixed);
			conf_free(mixed);
		}
		free(text);
next:
		conf_free(old);
		conf_free(new);
		free(a);
		free(b);
	}
	ck_assert_uint_gt(live, 50);
	ck_assert_uint_gt(fixed, 50);
}
END_TEST

/* What a golden file cannot hold, or would be too large for one. */
START_TEST(hostile_text_is_refused)
{
	static struct complaints all;
	static char big[3 * 4096];
	char	   *text;
	size_t	    len;
	FILE	   *out;

	ck_assert_ptr_null(parse("[server]\nname = a\n\0", 19, "f", &all));
	ck_assert_str_eq(all.text,
	    "f:3: there is a NUL byte in it; this must be a text file\n");

	ck_assert_ptr_null(parse("", 0, "f", &all));
	ck_assert_str_eq(all.text,
	    "f:1: there is neither [server] nor [client]; write one of "
	    "them\n");

	snprintf(big, sizeof(big), "[server]\nname = a\ncertificate = %05000d\n",
	    0);
	ck_assert_ptr_null(parse(big, strlen(big), "f", &all));
	ck_assert_str_eq(all.text,
	    "f:3: the line has 5014 bytes; at most 4096 are allowed\n");

	ck_assert_ptr_null(parse("[server]\nname = a\n\x1b[2J\xff = 1\n", 28,
	    "f\n", &all));
	ck_assert_str_eq(all.text,
	    "f\\x0a:3: \\x1b[2J\\xff: no such key in [server]; there are name, "
	    "port, listen, transport, certificate, auth, certificate-rsa, site-ca, crl, "
	    "pam-service, resume-time, max-handshakes, handshake-time, "
	    "keepalive, dead-peer, rekey-time, rekey-volume, socket, log-level\n");

	/* A thousand complaints are no use to anybody. */
	out = open_memstream(&text, &len);
	for (int i = 0; i < 1000; i++)
		fprintf(out, "x\n");
	fclose(out);
	ck_assert_ptr_null(parse(text, len, "f", &all));
	ck_assert_uint_eq(all.n, CONF_MAX_COMPLAINTS);
	ck_assert_ptr_nonnull(strstr(all.text, "and more errors; fix these first"));
	free(text);
}
END_TEST

START_TEST(truncation_anywhere_does_no_harm)
{
	static struct complaints all;
	char   path[1024];
	char  *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/server-tun-full.in", golden_dir());
	ck_assert_int_eq(file_read(path, TEXT_MAX, &text, &len), 0);
	for (size_t n = 0; n < len; n++) {
		char *part = malloc(n > 0 ? n : 1);

		memcpy(part, text, n);
		conf_free(parse(part, n, "f", &all));
		free(part);
	}
	free(text);
}
END_TEST

/* Thousands of sites: complaints and all, without a noticeable wait. */
START_TEST(many_sites_are_checked_quickly)
{
	static struct complaints all;
	struct conf *conf;
	char	    *text;
	size_t	     len;
	FILE	    *out = open_memstream(&text, &len);

	fprintf(out, "[server]\nname = a\n[interface]\nmode = tun\n"
		     "tunnel-network = 10.4.0.0/16\n");
	for (unsigned i = 0; i < CONF_MAX_SITES; i++) {
		fprintf(out, "[site s%u]\naddress = 10.4.%u.%u\n", i,
		    1 + i / 200, 2 + i % 200);
		for (unsigned j = 0; j < 20; j++)
			fprintf(out, "subnet = fd00:%x:%x::/48\n", i, j);
	}
	fflush(out);
	conf = parse(text, len, "f", &all);
	ck_assert_msg(conf != NULL, "%s", all.text);
	ck_assert_uint_eq(conf->nsites, CONF_MAX_SITES);
	ck_assert_ptr_eq(conf_find_site(conf, conf->sites[17].name),
	    &conf->sites[17]);
	ck_assert_ptr_null(conf_find_site(conf, "nobody"));
	conf_free(conf);

	fprintf(out, "[site one-too-many]\naddress = 10.4.200.2\n");
	fclose(out);
	ck_assert_ptr_null(parse(text, len, "f", &all));
	ck_assert_ptr_nonnull(strstr(all.text, "more than 4096 sites"));
	free(text);
}
END_TEST

START_TEST(method_that_this_build_lacks_is_refused_with_what_to_do)
{
	static struct complaints all;
	const char  *why;
	char	     text[128], want[256];
	struct conf *conf;

	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		const char *name = conf_auth_name((enum conf_auth)i);

		snprintf(text, sizeof(text),
		    "[server]\nname = a\nauth = %s\n[site s]\nauth = %s\n",
		    name, name);
		conf = parse(text, strlen(text), "f", &all);
		if (conf_auth_is_built((enum conf_auth)i, &why)) {
			ck_assert_msg(conf != NULL, "%s: %s", name, all.text);
			ck_assert_uint_eq(conf->auths, CONF_AUTH_BIT(i));
			ck_assert_int_eq(conf->sites[0].auth, i);
			conf_free(conf);
			continue;
		}
		ck_assert_ptr_null(conf);
		snprintf(want, sizeof(want),
		    "f:3: auth = %s: %s\nf:5: auth = %s: %s\n", name, why,
		    name, why);
		ck_assert_str_eq(all.text, want);
	}
}
END_TEST

START_TEST(without_auth_lines_all_but_tls_srp_are_allowed)
{
	static const char text[] = "[server]\nname = a\n";
	static struct complaints all;
	struct conf *conf = parse(text, sizeof(text) - 1, "f", &all);
	const char  *why;

	ck_assert_ptr_nonnull(conf);
	for (unsigned i = 0; i < CONF_AUTHS; i++)
		ck_assert_msg(((conf->auths & CONF_AUTH_BIT(i)) != 0) ==
			(i != CONF_AUTH_TLS_SRP &&
			    conf_auth_is_built((enum conf_auth)i, &why)),
		    "%s", conf_auth_name((enum conf_auth)i));
	conf_free(conf);
}
END_TEST

static const struct {
	const char *what;
	const char *name;
	bool	    good;
} names[] = {
	{ "a letter", "a", true },
	{ "a digit first", "1st", true },
	{ "all that is allowed", "a-b_c.9", true },
	{ "nothing", "", false },
	{ "a dot first", ".a", false },
	{ "the parent directory", "..", false },
	{ "a dash first", "-a", false },
	{ "an underscore first", "_a", false },
	{ "a capital", "Berlin", false },
	{ "a slash", "a/b", false },
	{ "a blank", "a b", false },
	{ "a line break", "a\n", false },
	{ "not ASCII", "m\xc3\xbcnchen", false },
	{ "63 bytes",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    true },
	{ "64 bytes",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    false },
};

START_TEST(site_names_are_safe_file_names)
{
	for (size_t i = 0; i < nitems(names); i++)
		ck_assert_msg(conf_is_site_name(names[i].name) == names[i].good,
		    "%s", names[i].what);
}
END_TEST

/* --- directories */

static char dir[64];

static void
make_dir(void)
{
	char path[128];

	strcpy(dir, "/tmp/check-conf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sites.d", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void
put(const char *name, const char *text)
{
	char *path = file_join(dir, name);

	ck_assert_int_eq(file_write(path, text, strlen(text), 0644, (uid_t)-1,
			     (gid_t)-1), 0);
	free(path);
}

static void
remove_dir(const char *const *files)
{
	char path[256];

	for (; *files != NULL; files++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *files);
		ck_assert_msg(unlink(path) == 0, "%s", path);
	}
	snprintf(path, sizeof(path), "%s/sites.d", dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct conf *
load(struct complaints *all)
{
	struct conf_errors errors = { .say = collect, .arg = all };
	char		  *path = file_join(dir, CONF_FILE);
	struct conf	  *conf;

	*all = (struct complaints) { 0 };
	conf = conf_load(path, CONF_LOAD_STRICT, &errors);
	free(path);
	return conf;
}

/*
 * `n` subnets, of sites with at most 256, and a site z that has none, but what
 * `more` says.
 */
static struct conf *
load_routes(const char *interface, unsigned n, const char *more,
    struct complaints *all)
{
	const char  *files[] = { "tombolo.conf", "sites.d/z.conf", NULL };
	unsigned     sites = (n + CONF_MAX_LIST - 1) / CONF_MAX_LIST;
	static char  text[16384];
	char	     name[128];
	struct conf *conf;
	size_t	     len = 0;

	make_dir();
	snprintf(text, sizeof(text), "[server]\nname = a\n[interface]\n"
	    "mode = tun\n%s", interface);
	put("tombolo.conf", text);
	snprintf(text, sizeof(text), "[site z]\naddress = 10.4.2.200\n%s",
	    more);
	put("sites.d/z.conf", text);
	for (unsigned i = 0; i < n; i++) {
		unsigned site = i / CONF_MAX_LIST;

		if (i % CONF_MAX_LIST == 0)
			len = (size_t)snprintf(text, sizeof(text),
			    "[site s%u]\naddress = 10.4.2.%u\n", site,
			    site + 2);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "subnet = 172.%u.%u.0/24\n", 16 + site, i % 256);
		snprintf(name, sizeof(name), "sites.d/s%u.conf", site);
		if (i + 1 == n || i % CONF_MAX_LIST == CONF_MAX_LIST - 1)
			put(name, text);
	}
	conf = load(all);
	for (unsigned i = 0; i < sites; i++) {
		snprintf(name, sizeof(name), "%s/sites.d/s%u.conf", dir, i);
		unlink(name);
	}
	remove_dir(files);
	return conf;
}

/* Nobody is told the own networks; site z none of its own. */
static const struct {
	const char *what;
	const char *interface;
	unsigned    subnets;
	const char *more;
	const char *told; /* NULL: fine */
} many_routes[] = {
	{ "as many as may be", "", 1024, "", NULL },
	{ "one more", "", 1025, "", "would have 1025, and" },
	{ "one of its own", "", 1024, "subnet = 192.168.0.0/24\n", NULL },
	{ "one behind the hub", "network = 192.168.0.0/24\n", 1024, "",
	    "would have 1025, and" },
	{ "one behind the hub of 1024", "network = 192.168.0.0/24\n", 1023,
	    "", NULL },
	{ "a default route", "", 1024, "default-route = yes\n",
	    "would have 1025, and" },
	{ "who would be told most is disabled", "", 1025, "disabled = yes\n",
	    NULL },
	{ "far too many for the others, too", "", 3000, "disabled = yes\n",
	    "would have 2816, and" },
	{ "far too many", "", 3000, "", "would have 3000, and" },
};

START_TEST(routes_for_a_site_have_a_limit)
{
	static struct complaints all;

	for (size_t i = 0; i < nitems(many_routes); i++) {
		struct conf *conf = load_routes(many_routes[i].interface,
		    many_routes[i].subnets, many_routes[i].more, &all);

		ck_assert_msg((conf != NULL) == (many_routes[i].told == NULL),
		    "%s: %s", many_routes[i].what, all.text);
		ck_assert_msg(many_routes[i].told == NULL ||
			strstr(all.text, many_routes[i].told) != NULL,
		    "%s: %s", many_routes[i].what, all.text);
		conf_free(conf);
	}
}
END_TEST

START_TEST(sites_are_read_from_their_directory)
{
	static struct complaints all;
	static const char *const files[] = { "tombolo.conf", "sites.d/rome.conf",
		"sites.d/berlin.conf", "sites.d/.hidden.conf", "sites.d/README",
		"sites.d/rome.conf.7.tmp", NULL };
	struct conf *conf;
	char	     want[128];

	make_dir();
	put("tombolo.conf", "[server]\nname = a\n[interface]\nmode = tun\n");
	put("sites.d/rome.conf", "[site rome]\naddress = 10.4.2.3\n");
	put("sites.d/berlin.conf", "# x\n[site berlin]\naddress = 10.4.2.2\n");
	put("sites.d/.hidden.conf", "not looked at");
	put("sites.d/README", "nor this");
	put("sites.d/rome.conf.7.tmp", "nor this");
	conf = load(&all);
	ck_assert_msg(conf != NULL, "%s", all.text);
	ck_assert_str_eq(conf->dir, dir);
	snprintf(want, sizeof(want), "/run/tombolo/%s.sock", dir + 5);
	ck_assert_str_eq(conf->socket, want);
	ck_assert_uint_eq(conf->nsites, 2);
	ck_assert_str_eq(conf->sites[0].name, "berlin");
	ck_assert_uint_eq(conf->sites[0].line, 2);
	ck_assert_ptr_nonnull(strstr(conf->sites[0].file, "/berlin.conf"));
	ck_assert_str_eq(conf->sites[1].name, "rome");
	conf_free(conf);
	remove_dir(files);
}
END_TEST

START_TEST(complaints_of_all_files_come_together)
{
	static struct complaints all;
	static const char *const files[] = { "tombolo.conf", "sites.d/a.conf",
		"sites.d/b.conf", "sites.d/c.conf", "sites.d/D.conf",
		"sites.d/e.conf", NULL };
	static const char *const wants[] = {
		"/tombolo.conf:3: port = x: expected", "/tombolo.conf:4: each site has a ",
		"/a.conf:1: [site b]: expected [site a], once",
		"/b.conf:1: there is no [site b] in it",
		"/c.conf:2: [server] does not belong here",
		"/D.conf: expected a name of", "/e.conf:3: address = 10.4.3.2",
	};

	make_dir();
	put("tombolo.conf", "[server]\nname = a\nport = x\n[site a]\n"
			    "[interface]\nmode = tun\n");
	put("sites.d/a.conf", "[site b]\n");
	put("sites.d/b.conf", "");
	put("sites.d/c.conf", "[site c]\n[server]\n");
	put("sites.d/D.conf", "[site D]\n");
	put("sites.d/e.conf", "[site e]\n\naddress = 10.4.3.2\n");
	ck_assert_ptr_null(load(&all));
	for (size_t i = 0; i < nitems(wants); i++)
		ck_assert_msg(strstr(all.text, wants[i]) != NULL,
		    "no \"%s\" in\n%s", wants[i], all.text);
	remove_dir(files);
}
END_TEST

START_TEST(what_cannot_be_read_is_said)
{
	static struct complaints all;
	struct conf_errors errors = { .say = collect, .arg = &all };

	ck_assert_ptr_null(conf_load("/nonexistent/tombolo.conf", CONF_LOAD_STRICT, &errors));
	ck_assert_ptr_nonnull(strstr(all.text,
	    "/nonexistent/tombolo.conf: cannot be read: No such file"));
	all = (struct complaints) { 0 };
	ck_assert_ptr_null(conf_load("/etc", CONF_LOAD_STRICT, &errors));
	ck_assert_str_eq(all.text, "/etc: cannot be read: Is a directory\n");
	/* Endless, and so larger than any limit. */
	all = (struct complaints) { 0 };
	ck_assert_ptr_null(conf_load("/dev/zero", CONF_LOAD_STRICT, &errors));
	ck_assert_str_eq(all.text, "/dev/zero: cannot be read: File too large\n");
}
END_TEST

START_TEST(commented_form_means_the_same)
{
	static struct complaints all;
	static const char text[] = "[server]\nname = a\nport = 7\n"
				   "[interface]\nmode = tun\nnat = yes\n";
	struct conf *conf = parse(text, strlen(text), "f", &all), *again;
	char	    *commented, *once, *twice;

	ck_assert_ptr_nonnull(conf);
	commented = conf_print_commented(conf);
	ck_assert_ptr_nonnull(commented);
	ck_assert_ptr_nonnull(strstr(commented, "\nnat = yes\n"));
	ck_assert_ptr_nonnull(strstr(commented, "\n#keepalive = 10\n"));
	ck_assert_ptr_nonnull(
	    strstr(commented, "\n#socket = /run/tombolo/tombolo.sock\n"));
	ck_assert_ptr_null(strstr(commented, "bridge ="));
	again = parse(commented, strlen(commented), "f", &all);
	ck_assert_msg(again != NULL, "%s", all.text);
	once = print(conf);
	twice = print(again);
	ck_assert_str_eq(once, twice);
	free(once);
	free(twice);
	free(commented);
	conf_free(conf);
	conf_free(again);
}
END_TEST

START_TEST(server_address_is_the_first)
{
	struct prefix net, got;
	char	      text[PREFIX_STRLEN];

	ck_assert(prefix_parse(&net, "10.4.2.0/24"));
	got = conf_server_address(&net);
	ck_assert_str_eq(prefix_print(&got, text, sizeof(text)), "10.4.2.1/24");
	ck_assert(prefix_parse(&net, "fd00:4::/64"));
	got = conf_server_address(&net);
	ck_assert_str_eq(prefix_print(&got, text, sizeof(text)), "fd00:4::1/64");
}
END_TEST

/* What the file says; NULL: the default, for one of the directory "vpn". */
static const struct {
	const char *what, *text;
	size_t	    len; /* 0: up to the NUL */
	const char *socket;
} sockets[] = {
	{ "nothing", "", 0, NULL },
	{ "as it should be", "[server]\nsocket = /run/a.sock\n", 0,
	    "/run/a.sock" },
	{ "in no section", "socket=/run/a.sock", 0, "/run/a.sock" },
	{ "in an unknown section", "[sever]\n\tsocket = /run/a.sock # x\n", 0,
	    "/run/a.sock" },
	{ "twice", "socket = /run/a\nfoo\nsocket = /run/b\n", 0, "/run/b" },
	{ "the second is no path", "socket = /run/a\nsocket = b\n", 0,
	    "/run/a" },
	{ "an empty one", "socket = \n", 0, NULL },
	{ "a comment", "#socket = /run/a\n", 0, NULL },
	{ "another key", "sockets = /run/a\nmy socket = /run/b\n", 0, NULL },
	{ "two lines of one", "socket = \\\n /run/a\\#b\n", 0, "/run/a#b" },
	{ "CRLF and a mark", "\xef\xbb\xbf[server]\r\nsocket = /run/a\r\n", 0,
	    "/run/a" },
	{ "UTF-16", "\xff\xfes\0o\0c\0k\0e\0t\0=\0/\0a\0\n\0s\0o\0c\0k\0e"
		    "\0t\0=\0/\0b\0\n\0", 40, "/b" },
	{ "one that is too long", "socket = /run/a\nsocket = /"
	    "0123456789012345678901234567890123456789012345678901234567890123"
	    "0123456789012345678901234567890123456789012345678901234567890123",
	    0, "/run/a" },
};

START_TEST(the_socket_is_found_whatever_else_is_wrong)
{
	char  top[] = "/tmp/check_conf.XXXXXX", path[96], sub[32];
	char *config, *got;

	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(sub, sizeof(sub), "%s/vpn", top);
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	snprintf(path, sizeof(path), "%s/../vpn/tombolo.conf", sub);
	for (size_t i = 0; i < nitems(sockets); i++) {
		const char *want = sockets[i].socket != NULL ?
		    sockets[i].socket : "/run/tombolo/vpn.sock";

		ck_assert_int_eq(file_write(path, sockets[i].text,
		    sockets[i].len != 0 ? sockets[i].len :
					  strlen(sockets[i].text),
		    0600, (uid_t)-1, (gid_t)-1), 0);
		config = conf_socket_resolve(path);
		got = conf_socket(config);
		ck_assert_msg(strcmp(got, want) == 0, "%s: %s",
		    sockets[i].what, got);
		free(got);
		free(config);
	}
	unlink(path);
	rmdir(sub);
	rmdir(top);
	/* Gone with its directory, it has the name that was written. */
	snprintf(path, sizeof(path), "%s/tombolo.conf", sub);
	config = conf_socket_resolve(path);
	ck_assert_str_eq(config, path);
	got = conf_socket(config);
	ck_assert_str_eq(got, "/run/tombolo/vpn.sock");
	free(got);
	free(config);
}
END_TEST

/* ------------------------------------------------ as a daemon reads them */

#define A "[site a]\naddress = 10.4.2.2\nsubnet = 10.1.0.0/24\n"
#define B "[site b]\naddress = 10.4.2.3\nsubnet = 10.2.0.0/24\n"
#define C "[site c]\naddress = 10.4.2.4\n"
#define IS_A "a 10.4.2.2 10.1.0.0/24;"
#define IS_B "b 10.4.2.3 10.2.0.0/24;"
#define IS_C "c 10.4.2.4;"
#define BROKEN_B "b! 10.4.2.3 10.2.0.0/24;" /* what it was */

/* NULL: it is removed; "" of length 0: empty. */
struct edit {
	const char *name, *text;
	size_t	    len;
};

static const struct {
	const char *what;
	struct edit edits[3];
	const char *sites; /* "!" faulty, "-" disabled */
	const char *says;
} rows[] = {
	{ "nothing", { { 0 } }, IS_A IS_B IS_C, NULL },
	{ "a bad value", { { "b", B "subnet = oops\n", 0 } },
	    IS_A BROKEN_B IS_C, "/b.conf:4: subnet = oops" },
	{ "an unknown key", { { "b", B "subnat = 10.3.0.0/24\n", 0 } },
	    IS_A BROKEN_B IS_C, "/b.conf:4: subnat" },
	{ "empty", { { "b", "", 0 } }, IS_A BROKEN_B IS_C,
	    "/b.conf:1: there is no [site b]" },
	{ "another's section", { { "b", A, 0 } }, IS_A BROKEN_B IS_C,
	    "/b.conf:1: [site a]" },
	{ "rubbish", { { "b", "\x7f" "ELF\2\1\1\0\0\0", 10 } },
	    IS_A BROKEN_B IS_C, "/b.conf:1: there is a NUL" },
	{ "UTF-16", { { "b", "\xff\xfe[\0s\0i\0", 8 } }, IS_A BROKEN_B IS_C,
	    "/b.conf: " },
	{ "no address", { { "b", "[site b]\n", 0 } }, IS_A BROKEN_B IS_C,
	    "/b.conf:1: site b has no address" },
	{ "an address of no network",
	    { { "b", "[site b]\naddress = 10.9.2.3\n", 0 } },
	    IS_A BROKEN_B IS_C, "/b.conf:2: address = 10.9.2.3" },
	{ "a method that is not allowed", { { "b", B "auth = tls-srp\n", 0 } },
	    IS_A BROKEN_B IS_C, "/b.conf:4: auth = tls-srp" },
	{ "CR LF", { { "b", "[site b]\r\naddress = 10.4.2.3\r\n", 0 } },
	    IS_A "b 10.4.2.3;" IS_C, NULL },
	{ "it overlaps one that is as before",
	    { { "a", A "subnet = 10.2.0.128/25\n", 0 } },
	    "a! 10.4.2.2 10.1.0.0/24;" IS_B IS_C,
	    "/a.conf:4: subnet = 10.2.0.128/25 of site a overlaps 10.2.0.0/24 "
	    "of site b" },
	{ "it encloses one that is as before",
	    { { "a", A "subnet = 10.0.0.0/14\n", 0 } },
	    "a! 10.4.2.2 10.1.0.0/24;" IS_B IS_C, "of site a overlaps" },
	{ "a new one overlaps",
	    { { "0", "[site 0]\naddress = 10.4.2.9\nsubnet = 10.2.0.0/24\n",
		0 } },
	    "0!- 10.4.2.9 10.2.0.0/24;" IS_A IS_B IS_C, "/0.conf:3: subnet" },
	{ "two changed overlap: the later one",
	    { { "a", A "subnet = 10.5.0.0/24\n", 0 },
		{ "c", C "subnet = 10.5.0.0/24\n", 0 } },
	    "a 10.4.2.2 10.1.0.0/24 10.5.0.0/24;" IS_B "c! 10.4.2.4;",
	    "/c.conf:3: subnet" },
	{ "one takes what a faulty one still has",
	    { { "b", "[site b]\naddress = 10.4.2.3\nsubnet = oops\n", 0 },
		{ "c", C "subnet = 10.2.0.0/24\n", 0 } },
	    IS_A BROKEN_B "c! 10.4.2.4;", "/c.conf:3: subnet" },
	{ "two change places",
	    { { "a", "[site a]\naddress = 10.4.2.3\nsubnet = 10.2.0.0/24\n",
		  0 },
		{ "b",
		    "[site b]\naddress = 10.4.2.2\nsubnet = 10.1.0.0/24\n",
		    0 } },
	    "a 10.4.2.3 10.2.0.0/24;b 10.4.2.2 10.1.0.0/24;" IS_C, NULL },
	{ "others are taken, removed and disabled all the same",
	    { { "b", "oops\n", 0 }, { "a", NULL, 0 },
		{ "c", C "disabled = yes\n", 0 } },
	    BROKEN_B "c- 10.4.2.4;", "/b.conf:1: oops" },
	{ "a faulty one is disabled",
	    { { "b", "oops\ndisabled = yes\n[site b]\n", 0 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf:1: oops" },
	{ "and in UTF-16",
	    { { "b",
		"\xff\xfe\n\0d\0i\0s\0a\0b\0l\0e\0d\0=\0y\0e\0s\0\n\0",
		28 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf: " },
	{ "true", { { "b", "oops\n[site b]\ndisabled = true\n", 0 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf:1: oops" },
	{ "the value in the next line",
	    { { "b", "oops\n[site b]\ndisabled = \\\n\tyes\n", 0 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf:1: oops" },
	{ "the name in two lines",
	    { { "b", "oops\n[site b]\ndisa\\\nbled=true\n", 0 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf:1: oops" },
	{ "space and a comment",
	    { { "b", "oops\n\t disabled\t=\ttrue\t# gone\n", 0 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf:1: oops" },
	{ "a NUL elsewhere", { { "b", "oops\0\ndisabled = true", 22 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf:1: there is a NUL" },
	{ "a backslash above it",
	    { { "b", B "subnet = 10.3.0.0/24\\\ndisabled = yes\n", 0 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf:4: subnet = " },
	{ "first of all in UTF-16",
	    { { "b", "\xfe\xff\0d\0i\0s\0a\0b\0l\0e\0d\0=\0y\0e\0s\0\r", 28 } },
	    IS_A "b!- 10.4.2.3 10.2.0.0/24;" IS_C, "/b.conf: " },
	{ "a faulty one is not disabled",
	    { { "b", "oops\n[site b]\ndisabled = false\n", 0 } },
	    IS_A BROKEN_B IS_C, "/b.conf:1: oops" },
	{ "nor by a comment in UTF-16",
	    { { "b", "\xff\xfe#\0d\0i\0s\0a\0b\0l\0e\0d\0=\0y\0e\0s\0", 28 } },
	    IS_A BROKEN_B IS_C, "/b.conf: " },
	{ "a new faulty one", { { "d", "[site d]\nsubnet = 1\n", 0 } },
	    IS_A IS_B IS_C "d!-;", "/d.conf:2: subnet = 1" },
	{ "a faulty one is removed", { { "b", NULL, 0 } }, IS_A IS_C, NULL },
};

static char *
main_text(const struct conf *conf)
{
	struct conf mixed = *conf;

	mixed.nsites = 0;
	return print(&mixed);
}

static struct conf *
load_sites(const char *text, const struct conf *running, struct complaints *all)
{
	struct conf_errors errors = { .say = collect, .arg = all };

	*all = (struct complaints) { 0 };
	return conf_load_sites(text, strlen(text), "tombolo.conf", dir, running,
	    &errors);
}

static const char *
describe(const struct conf *conf)
{
	static char text[1024];
	char	    one[PREFIX_STRLEN];

	text[0] = '\0';
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		strlcat(text, site->name, sizeof(text));
		strlcat(text, site->faulty ? "!" : "", sizeof(text));
		strlcat(text, site->disabled ? "-" : "", sizeof(text));
		for (size_t j = 0; j < site->addresses.n; j++) {
			strlcat(text, " ", sizeof(text));
			strlcat(text, addr_print(&site->addresses.v[j].addr,
			    one, sizeof(one)), sizeof(text));
		}
		for (size_t j = 0; j < site->subnets.n; j++) {
			strlcat(text, " ", sizeof(text));
			strlcat(text, prefix_print(&site->subnets.v[j], one,
			    sizeof(one)), sizeof(text));
		}
		strlcat(text, ";", sizeof(text));
	}
	return text;
}

static struct conf *
start_live(void)
{
	struct conf_errors errors = { .say = collect, .arg = NULL };
	char		  *path;
	struct conf	  *conf;

	make_dir();
	put("tombolo.conf", "[server]\nname = a\n[interface]\nmode = tun\n");
	put("sites.d/a.conf", A);
	put("sites.d/b.conf", B);
	put("sites.d/c.conf", C);
	path = file_join(dir, CONF_FILE);
	conf = conf_load(path, CONF_LOAD_LIVE, &errors);
	free(path);
	ck_assert_ptr_nonnull(conf);
	return conf;
}

static void
end_live(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
apply(const struct edit *edit)
{
	char name[64], *path;

	snprintf(name, sizeof(name), "sites.d/%s.conf", edit->name);
	path = file_join(dir, name);
	if (edit->text == NULL)
		ck_assert_int_eq(unlink(path), 0);
	else
		ck_assert_int_eq(file_write(path, edit->text, edit->len > 0 ?
			edit->len : strlen(edit->text), 0644, (uid_t)-1,
			(gid_t)-1), 0);
	free(path);
}

/* And what is printed of it is what the engine reads. */
START_TEST(fault_of_a_site_is_that_sites)
{
	static struct complaints all;

	for (size_t i = 0; i < nitems(rows); i++) {
		struct conf *running = start_live(), *conf, *again;
		char	    *text = main_text(running), *printed;

		for (size_t j = 0; j < nitems(rows[i].edits) &&
		     rows[i].edits[j].name != NULL; j++)
			apply(&rows[i].edits[j]);
		conf = load_sites(text, running, &all);
		ck_assert_msg(conf != NULL, "%s: %s", rows[i].what, all.text);
		ck_assert_msg(strcmp(describe(conf), rows[i].sites) == 0,
		    "%s: %s", rows[i].what, describe(conf));
		ck_assert_msg((conf->faults.n > 0) == (rows[i].says != NULL),
		    "%s: %zu faults", rows[i].what, conf->faults.n);
		ck_assert_msg(rows[i].says == NULL ||
			strstr(conf->faults.v[conf->faults.n - 1],
			    rows[i].says) != NULL ||
			strstr(conf->faults.v[0], rows[i].says) != NULL,
		    "%s: %s", rows[i].what, conf->faults.v[0]);
		printed = print(conf);
		again = parse(printed, strlen(printed), "engine", &all);
		ck_assert_msg(again != NULL, "%s: %s", rows[i].what, all.text);
		ck_assert_str_eq(describe(again), rows[i].sites);
		ck_assert_uint_eq(again->faults.n, conf->faults.n);
		conf_free(again);
		free(printed);
		/* Mended, it comes back. */
		conf_free(running);
		running = conf;
		apply(&(struct edit) { "a", A, 0 });
		apply(&(struct edit) { "b", B, 0 });
		apply(&(struct edit) { "c", C, 0 });
		conf = load_sites(text, running, &all);
		ck_assert_ptr_nonnull(strstr(describe(conf), IS_A IS_B IS_C));
		conf_free(conf);
		conf_free(running);
		free(text);
		end_live();
	}
}
END_TEST

/* At a start nothing is known of before; the later one by name is at fault. */
START_TEST(daemon_starts_in_spite_of_sites_faults)
{
	static struct complaints all;
	struct conf_errors	 errors = { .say = collect, .arg = &all };
	struct conf		*conf = start_live();
	char			*path = file_join(dir, CONF_FILE);

	conf_free(conf);
	put("sites.d/a.conf", A "subnet = 10.3.0.0/24\n");
	put("sites.d/b.conf", "[site b]\noops\n");
	put("sites.d/c.conf", C "subnet = 10.3.0.0/16\n");
	put("sites.d/d.conf", "[site d]\naddress = 10.4.2.4\n");
	conf = conf_load(path, CONF_LOAD_LIVE, &errors);
	ck_assert_msg(conf != NULL, "%s", all.text);
	ck_assert_str_eq(describe(conf),
	    "a 10.4.2.2 10.1.0.0/24 10.3.0.0/24;b!-;c!- 10.4.2.4 10.3.0.0/16;d 10.4.2.4;");
	ck_assert_uint_eq(conf->faults.n, 2);
	conf_free(conf);
	/* But not in spite of its own. */
	put("tombolo.conf", "[server]\nname = a\nport = x\n");
	ck_assert_ptr_null(conf_load(path, CONF_LOAD_LIVE, &errors));
	free(path);
	end_live();
}
END_TEST

static void
make_odd(unsigned kind, const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	if (kind == 0)
		ck_assert_int_eq(mkdir(path, 0755), 0);
	else if (kind == 1)
		ck_assert_int_eq(mkfifo(path, 0644), 0);
	else if (kind == 2)
		ck_assert_int_eq(symlink("nowhere", path), 0);
	else
		ck_assert_int_eq(symlink("/dev/zero", path), 0);
}

START_TEST(site_file_that_is_none_is_that_sites_fault)
{
	static struct complaints all;

	for (unsigned kind = 0; kind < 4; kind++) {
		struct conf *running = start_live(), *conf;
		char	    *text = main_text(running);
		char	    *path = file_join(dir, "sites.d/b.conf");

		make_odd(kind, path);
		conf = load_sites(text, running, &all);
		ck_assert_msg(conf != NULL, "%u: %s", kind, all.text);
		ck_assert_str_eq(describe(conf), IS_A BROKEN_B IS_C);
		conf_free(conf);
		free(path);
		/* The whole directory. */
		path = file_join(dir, "sites.d");
		put("away", "");
		all.text[0] = '\0';
		snprintf(all.text, sizeof(all.text), "rm -rf %s", path);
		ck_assert_int_eq(system(all.text), 0);
		conf = load_sites(text, running, &all);
		ck_assert_str_eq(describe(conf), "a! 10.4.2.2 10.1.0.0/24;"
		    BROKEN_B "c! 10.4.2.4;");
		ck_assert_uint_eq(conf->faults.n, 1);
		conf_free(conf);
		free(path);
		free(text);
		conf_free(running);
		end_live();
	}
}
END_TEST

/* Then what is around it has become wrong, and is refused. */
START_TEST(site_that_is_as_before_is_not_at_fault)
{
	static struct complaints all;
	struct conf *running = start_live();
	const char  *text = "[server]\nname = a\n[interface]\nmode = tun\n"
			   "tunnel-network = 10.8.0.0/24\n";

	ck_assert_ptr_null(load_sites(text, running, &all));
	ck_assert_ptr_nonnull(strstr(all.text,
	    "/a.conf:2: address = 10.4.2.2 is in no tunnel network"));
	conf_free(running);
	end_live();
}
END_TEST

START_TEST(sites_can_be_managed_whatever_is_wrong)
{
	static struct complaints all;
	struct conf_errors	 errors = { .say = collect, .arg = &all };
	struct conf		*conf = start_live();
	char			*path = file_join(dir, CONF_FILE);

	conf_free(conf);
	put("tombolo.conf", "[server]\nname = a\nport = x\n[interface]\n"
			    "mode = oops\n");
	put("sites.d/b.conf", "oops");
	conf = conf_load(path, CONF_LOAD_ANY, &errors);
	ck_assert_str_eq(describe(conf), IS_A "b!-;" IS_C);
	ck_assert_str_eq(conf->names.v[0], "a");
	conf_free(conf);
	ck_assert_int_eq(unlink(path), 0);
	conf = conf_load(path, CONF_LOAD_ANY, &errors);
	ck_assert_str_eq(describe(conf), IS_A "b!-;" IS_C);
	conf_free(conf);
	free(path);
	end_live();
}
END_TEST

UNIT_MAIN("conf", each_golden_gives_what_it_should,
    golden_prints_parse_to_the_same, random_confs_print_to_the_same,
    every_row_of_the_table_is_sound,
    live_keys_are_of_the_newer_and_all_others_of_the_older, hostile_text_is_refused,
    method_that_this_build_lacks_is_refused_with_what_to_do,
    without_auth_lines_all_but_tls_srp_are_allowed,
    truncation_anywhere_does_no_harm, many_sites_are_checked_quickly,
    routes_for_a_site_have_a_limit,
    site_names_are_safe_file_names, sites_are_read_from_their_directory,
    complaints_of_all_files_come_together, what_cannot_be_read_is_said,
    commented_form_means_the_same, server_address_is_the_first,
    the_socket_is_found_whatever_else_is_wrong,
    fault_of_a_site_is_that_sites, daemon_starts_in_spite_of_sites_faults,
    site_file_that_is_none_is_that_sites_fault,
    site_that_is_as_before_is_not_at_fault,
    sites_can_be_managed_whatever_is_wrong)
