/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_site: manages the sites of a primary site.  A table of subcommands; a
 * running server sees the files change.
 *
 * remove and disable work whatever else is wrong with the configuration: they
 * may be what mends it.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "cmd/util/admin_call.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/nitems.h"
#include "cmd/util/edit.h"
#include "cmd/util/options.h"
#include "cmd/site/own_ca.h"
#include "cmd/site/site_add.h"
#include "cmd/site/site_file.h"
#include "cmd/util/table.h"
#include "cmd/util/file_txn.h"

#define SITE_TEXT_MAX ((size_t)1024 * 1024)

/* Each runs with the directory locked; `name` is a site's name, or NULL. */
typedef int run_fn(const struct options *options,
    const struct options_spec *spec, const char *name);

static run_fn run_add, run_set, run_list, run_show, run_passwd, run_disable,
    run_enable, run_remove;

/* Changes the text of a site's file. */
typedef bool edit_fn(char **text, const struct options *options);

static edit_fn edit_site, edit_disable, edit_enable;

static const struct subcommand {
	const char	   *name;
	run_fn		   *run;
	struct options_spec spec;
} subcommands[] = {
	{ "add", run_add,
	    { .command = "site add",
		.synopsis = "NAME [-c FILE | --dir D] [--generate | --password-file F] "
			    "[--auth METHOD]\n           [--address A]... "
			    "[--subnet CIDR]... [--default-route]\n           "
			    "[--out FILE]",
		.help = "Makes a site's credential, and writes the invitation "
			"for tombolo join.",
		.takes = OPTION_WHERE | OPTION_GENERATE | OPTION_PASSWORD_FILE |
		    OPTION_AUTH | OPTION_ADDRESS | OPTION_SUBNET |
		    OPTION_DEFAULT_ROUTE | OPTION_OUT,
		.min_args = 1, .max_args = 1 } },
	{ "set", run_set,
	    { .command = "site set",
		.synopsis = "NAME [-c FILE | --dir D] [--address A]... "
			    "[--subnet CIDR]...\n           [--default-route | "
			    "--no-default-route]",
		.help = "Changes what is configured for a site; each address or "
			"subnet that it keeps\nis given again, \"none\" "
			"removes them.  Comments and other lines stay.",
		.takes = OPTION_WHERE | OPTION_ADDRESS | OPTION_SUBNET |
		    OPTION_DEFAULT_ROUTE | OPTION_NO_DEFAULT,
		.min_args = 1, .max_args = 1 } },
	{ "list", run_list,
	    { .command = "site list", .synopsis = "[-c FILE | --dir D] [--json]",
		.help = "Lists the sites.",
		.takes = OPTION_WHERE | OPTION_JSON } },
	{ "show", run_show,
	    { .command = "site show", .synopsis = "NAME [-c FILE | --dir D] [--json]",
		.help = "Shows what is configured for a site.",
		.takes = OPTION_WHERE | OPTION_JSON, .min_args = 1,
		.max_args = 1 } },
	{ "passwd", run_passwd,
	    { .command = "site passwd",
		.synopsis = "NAME [-c FILE | --dir D] [--generate | --password-file F] "
			    "[--out FILE]",
		.help = "Gives a site another password or certificate; with "
			"--generate or --out,\nand for a certificate, there is "
			"a new invitation.",
		.takes = OPTION_WHERE | OPTION_GENERATE | OPTION_PASSWORD_FILE |
		    OPTION_OUT,
		.min_args = 1, .max_args = 1 } },
	{ "disable", run_disable,
	    { .command = "site disable", .synopsis = "NAME [-c FILE | --dir D]",
		.help = "Ends a site's session and lets it log in no more.",
		.takes = OPTION_WHERE, .min_args = 1, .max_args = 1 } },
	{ "enable", run_enable,
	    { .command = "site enable", .synopsis = "NAME [-c FILE | --dir D]",
		.help = "Lets a disabled site log in again.",
		.takes = OPTION_WHERE, .min_args = 1, .max_args = 1 } },
	{ "remove", run_remove,
	    { .command = "site remove", .synopsis = "NAME [-c FILE | --dir D]",
		.help = "Removes a site and its credential.",
		.takes = OPTION_WHERE, .min_args = 1, .max_args = 1 } },
};

static void help(void);
static int  run(const struct subcommand *sub, int argc, char **argv);
static void warn_of_main(const struct options *options,
    const struct options_spec *spec);
static struct conf *load_server(const struct options *options,
    const char *who, conf_load_fn *load);
static bool in_force(const struct options *options,
    const struct options_spec *spec, const char *name, const char *want,
    const char **when);
static int say_when(const struct options *options,
    const struct options_spec *spec, const char *name, const char *want);
static const struct conf_site *find_site(const struct conf *conf,
    const char *name, const char *who);
static const char *state_of(const struct conf_site *site);
static json_t *to_json(const struct conf_site *site);
static json_t *list_to_json(const struct conf_prefixes *list, bool hosts);
static int     print_json(json_t *json, const char *who);
static void    add_list(struct table *table, const struct conf_prefixes *list,
       bool hosts);
static bool edit_file(const struct options *options,
    const struct options_spec *spec, const char *name, edit_fn *edit,
    struct conf *conf);
static int edit_text(char **text, size_t *len, edit_fn *edit,
    const struct options *options);
static bool edit_list(char **text, const char *key,
    const struct options_list *list);
static bool fits(struct conf *conf, const char *name, const char *text,
    const char *who);
static bool remove_files(const struct options *options,
    const struct options_spec *spec, const char *name, bool *revoked);
static bool revoke_site(const struct options *options,
    const struct options_spec *spec, const char *name);
static void say_nothing(void *arg, const char *text);
static bool each_credential(const struct options *options,
    const struct options_spec *spec, const char *name,
    int (*act)(const char *path), const char *complaint);
static int touch(const char *path);
static int  put_in_front(const char *name, char **text, size_t *len);
static void missing(const char *who, const char *name);

int
cmd_site(int argc, char **argv)
{
	options_command_first(argc, argv);
	if (argc < 2) {
		log_warnx("site: which of add, set, list, show, passwd, disable, "
			  "enable, remove; see tombolo site --help");
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return 0;
	}
	for (size_t i = 0; i < nitems(subcommands); i++) {
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return run(&subcommands[i], argc - 1, argv + 1);
	}
	log_warnx("site %s: no such command; see tombolo site --help", argv[1]);
	return 2;
}

static void
help(void)
{
	printf("usage: tombolo site COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < nitems(subcommands); i++)
		printf("  %-8s %.*s\n", subcommands[i].name,
		    (int)strcspn(subcommands[i].spec.help, "\n"),
		    subcommands[i].spec.help);
	printf("\nEach says more with --help.\n");
}

static int
run(const struct subcommand *sub, int argc, char **argv)
{
	struct options options;
	enum conf_auth auth;
	const char    *name;
	int	       lock, r;

	r = options_parse(&options, &sub->spec, argc, argv);
	if (r != OPTIONS_GO_ON)
		return r;
	name = options.nargs > 0 ? options.args[0] : NULL;
	if (name != NULL && !conf_is_site_name(name))
		return options_wrong(&sub->spec,
		    "%.64s: a site's name has at most %u of a-z, 0-9, \".\", "
		    "\"_\" and \"-\", a letter or digit first",
		    name, CONF_NAME_MAX);
	if (options.generate && options.password_file != NULL)
		return options_wrong(&sub->spec,
		    "--generate and --password-file exclude each other");
	if (options.auth != NULL && !conf_auth_parse(&auth, options.auth))
		return options_wrong(&sub->spec, "--auth %s: expected srp, "
		    "password, pam, certificate or tls-srp", options.auth);
	if (options.auth != NULL && auth == CONF_AUTH_CERTIFICATE &&
	    (options.generate || options.password_file != NULL))
		return options_wrong(&sub->spec,
		    "a certificate needs no password");
	lock = site_file_lock(options.dir);
	if (lock < 0) {
		log_warnx("%s: %s: %s", sub->spec.command, options.dir,
		    strerror(-lock));
		return 1;
	}
	r = sub->run(&options, &sub->spec, name);
	if (r == 0)
		warn_of_main(&options, &sub->spec);
	close(lock);
	return r;
}

/* After what was done all the same. */
static void
warn_of_main(const struct options *options, const struct options_spec *spec)
{
	struct conf_errors quiet = { .say = say_nothing };
	char	    *path = options_config(options);
	struct conf *conf = path != NULL ? conf_load_main(path, &quiet) : NULL;

	if (path != NULL && conf == NULL)
		log_warnx("%s: done, although %s has a fault; tombolo check -c "
			  "%s names it", spec->command, path, path);
	conf_free(conf);
	free(path);
}

static int
run_add(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	struct conf *conf = load_server(options, spec->command, conf_load_live);
	int	     r = 1;

	if (conf == NULL)
		return 1;
	if (conf_find_site(conf, name) != NULL)
		log_warnx("site add: site %s is there already; choose another "
			  "name, or tombolo site passwd", name);
	else
		r = site_add(options, conf, name);
	conf_free(conf);
	return r == 0 ? say_when(options, spec, name, "enabled") : r;
}

static int
run_set(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	struct conf	       *conf;
	const struct conf_site *site;
	const char	       *when, *want;
	bool			ok;

	if (options->default_route && options->no_default_route)
		return options_wrong(spec, "--default-route and "
		    "--no-default-route exclude each other");
	if (!options->default_route && !options->no_default_route &&
	    options->addresses.n == 0 && options->subnets.n == 0)
		return options_wrong(spec, "there is nothing to set");
	conf = load_server(options, spec->command, conf_load_live);
	site = conf != NULL ? conf_find_site(conf, name) : NULL;
	if (site == NULL) {
		if (conf != NULL)
			missing(spec->command, name);
		conf_free(conf);
		return 1;
	}
	/* Whatever is wrong with it, this may be what fixes it. */
	want = site->faulty ? NULL : state_of(site);
	ok = edit_file(options, spec, name, edit_site, conf) &&
	    in_force(options, spec, name, want, &when);
	if (ok)
		printf("site %s is changed%s%s\n", name, when,
		    options->default_route ?
			"; its own tombolo.conf needs accept-default-route = "
			"yes" : "");
	conf_free(conf);
	return ok ? 0 : 1;
}

/*
 * `conf` must be good with it; NULL: whatever comes of it.  False after a line
 * that says why not.
 */
static bool
edit_file(const struct options *options, const struct options_spec *spec,
    const char *name, edit_fn *edit, struct conf *conf)
{
	char   below[SITE_FILE_MAX];
	char  *path = file_join(options->dir,
	     site_file_conf(below, sizeof(below), name));
	char  *text = NULL;
	size_t len;
	sigset_t before;
	int    r = -ENOMEM;

	if (path != NULL)
		r = file_read(path, SITE_TEXT_MAX, &text, &len);
	if (r == 0)
		r = edit_text(&text, &len, edit, options);
	if (r == 0 && conf != NULL && !fits(conf, name, text, spec->command))
		r = 1;
	else if (r == -EINVAL && text != NULL && conf == NULL)
		r = put_in_front(name, &text, &len);
	file_txn_hold_signals(&before);
	if (r == 0)
		r = file_write(path, text, len, 0644, (uid_t)-1, (gid_t)-1);
	file_txn_release_signals(&before);
	free(text);
	free(path);
	if (r == -ENOENT)
		missing(spec->command, name);
	else if (r < 0)
		log_warnx("%s: %s: %s%s", spec->command, below, text_explain(r),
		    conf != NULL ? "" :
		    r == -ENOSPC || r == -EDQUOT ?
			"; tombolo site remove needs no space, tombolo kick "
			"ends its session" :
			"; tombolo kick ends its session");
	return r == 0;
}

static int
edit_text(char **text, size_t *len, edit_fn *edit,
    const struct options *options)
{
	int r = text_normalize(*text, len);

	if (r == 0 && memchr(*text, '\0', *len) != NULL)
		r = -EPROTO;
	else if (r == 0 && !edit(text, options))
		r = -EINVAL;
	if (r == 0)
		*len = strlen(*text);
	return r;
}

static bool
edit_site(char **text, const struct options *options)
{
	const char *const yes = "yes";

	return edit_list(text, "address", &options->addresses) &&
	    edit_list(text, "subnet", &options->subnets) &&
	    (!(options->default_route || options->no_default_route) ||
		edit_set(text, "site", "default-route", &yes,
		    options->default_route ? 1 : 0));
}

static bool
edit_disable(char **text, const struct options *options)
{
	const char *const yes = "yes";

	(void)options;
	return edit_set(text, "site", "disabled", &yes, 1);
}

static bool
edit_enable(char **text, const struct options *options)
{
	(void)options;
	return edit_set(text, "site", "disabled", NULL, 0);
}

static bool
edit_list(char **text, const char *key, const struct options_list *list)
{
	bool none = list->n == 1 && strcmp(list->v[0], "none") == 0;

	return list->n == 0 ||
	    edit_set(text, "site", key, list->v, none ? 0 : list->n);
}

/* Whether the configuration is good with that text of the site. */
static bool
fits(struct conf *conf, const char *name, const char *text, const char *who)
{
	struct conf_site *site = (struct conf_site *)(uintptr_t)conf_find_site(
	    conf, name);
	struct conf_site *last = &conf->sites[conf->nsites - 1], swap = *site;
	struct conf	 *after;
	char		 *whole;
	size_t		  len;
	FILE		 *out = open_memstream(&whole, &len);

	if (out == NULL) {
		log_warn("%s", who);
		return false;
	}
	*site = *last;
	*last = swap;
	conf->nsites--;
	conf_print(out, conf);
	conf->nsites++;
	fputs(text, out);
	fclose(out);
	after = options_check_text(whole, len, who, conf->dir);
	free(whole);
	conf_free(after);
	return after != NULL;
}

static int
run_list(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	static const char *const heads[] = { "SITE", "STATE", "AUTH", "ADDRESS",
		"SUBNET" };
	struct conf  *conf = load_server(options, spec->command, conf_load_any);
	struct table *table;
	json_t	     *array;
	int	      r = 0;

	(void)name;
	if (conf == NULL)
		return 1;
	if (options->json) {
		array = json_array();
		for (size_t i = 0; i < conf->nsites; i++)
			json_array_append_new(array, to_json(&conf->sites[i]));
		r = print_json(array, spec->command);
		conf_free(conf);
		return r;
	}
	table = table_new(heads, nitems(heads));
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		table_add(table, site->name);
		table_add(table, state_of(site));
		table_add(table, conf_auth_name(site->auth));
		add_list(table, &site->addresses, true);
		add_list(table, &site->subnets, false);
	}
	table_print(table, stdout, "no sites; see tombolo site add --help");
	table_free(table);
	conf_free(conf);
	return 0;
}

static int
run_show(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	struct conf *conf = load_server(options, spec->command, conf_load_any);
	const struct conf_site *site;
	int			r = 0;

	if (conf == NULL)
		return 1;
	site = find_site(conf, name, spec->command);
	if (site == NULL)
		r = 1;
	else if (options->json)
		r = print_json(to_json(site), spec->command);
	else
		conf_print_site(stdout, site);
	conf_free(conf);
	return r;
}

static int
run_passwd(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	struct conf *conf = load_server(options, spec->command, conf_load_any);
	const struct conf_site *site;
	int			r = 1;

	site = conf != NULL ? conf_find_site(conf, name) : NULL;
	/* Another one that overlaps it is no matter here, if that is later. */
	if (site != NULL && site->faulty) {
		conf_free(conf);
		conf = load_server(options, spec->command, conf_load_live);
	}
	if (conf == NULL)
		return 1;
	site = find_site(conf, name, spec->command);
	if (site != NULL && site->auth == CONF_AUTH_CERTIFICATE &&
	    (options->generate || options->password_file != NULL))
		r = options_wrong(spec,
		    "site %s has a certificate, which needs no password",
		    name);
	else if (site != NULL)
		r = site_add_again(options, conf, site);
	conf_free(conf);
	return r == 0 ? say_when(options, spec, name, NULL) : r;
}

/* The time of what it was verified by is in tokens: they end with it. */
static int
run_disable(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	const char *when;
	sigset_t    before;
	bool	    ok, ended;

	file_txn_hold_signals(&before);
	ok = edit_file(options, spec, name, edit_disable, NULL);
	ended = ok && each_credential(options, spec, name, touch,
	    "the site is disabled, but its tokens are good when it is "
	    "enabled: ");
	file_txn_release_signals(&before);
	if (!ok || !in_force(options, spec, name, "disabled", &when))
		return 1;
	printf("site %s is disabled%s; tombolo site enable %s undoes it\n",
	    name, when, name);
	return ended ? 0 : 1;
}

/* It may not clash with what was added in the meantime. */
static int
run_enable(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	struct conf *conf = load_server(options, spec->command, conf_load_live);
	const char  *when;
	bool ok = conf != NULL && find_site(conf, name, spec->command) != NULL &&
	    edit_file(options, spec, name, edit_enable, conf);

	conf_free(conf);
	if (!ok || !in_force(options, spec, name, "enabled", &when))
		return 1;
	printf("site %s is enabled%s\n", name, when);
	return 0;
}

static int
run_remove(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	const char *when;
	sigset_t    before;
	bool	    revoked, ok;

	file_txn_hold_signals(&before);
	ok = remove_files(options, spec, name, &revoked);
	file_txn_release_signals(&before);
	if (!ok || !in_force(options, spec, name, "absent", &when))
		return 1;
	printf("site %s is removed%s%s\n", name, when,
	    revoked ? "" : ", and its certificate not revoked");
	return revoked ? 0 : 1;
}

/*
 * Its certificate first, so that nobody gets in by it when a site of that name
 * is added again; then the site: without it a password is good for nothing.
 */
static bool
remove_files(const struct options *options, const struct options_spec *spec,
    const char *name, bool *revoked)
{
	char  below[SITE_FILE_MAX];
	char *path = file_join(options->dir,
	    site_file_conf(below, sizeof(below), name));
	bool  there = path != NULL && access(path, F_OK) == 0;
	bool  ok;

	*revoked = !there || revoke_site(options, spec, name);
	ok = path != NULL && unlink(path) == 0;
	if (!ok && path != NULL && errno == ENOENT)
		missing(spec->command, name);
	else if (!ok)
		log_warn("%s: %s", spec->command, below);
	free(path);
	return ok && each_credential(options, spec, name, unlink,
	    "the site is removed, but not ");
}

/* When the configuration cannot be read, the list is at its usual place. */
static bool
revoke_site(const struct options *options, const struct options_spec *spec,
    const char *name)
{
	struct conf_errors quiet = { .say = say_nothing };
	char		  *path = options_config(options);
	struct conf *conf = path != NULL ? conf_load_any(path, &quiet) : NULL;
	bool	     ok;

	if (conf != NULL && conf->role != CONF_SERVER) {
		conf_free(conf);
		conf = NULL;
	}
	ok = own_ca_revoke(options, conf, name, spec->command);
	conf_free(conf);
	free(path);
	return ok;
}

static void
say_nothing(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/*
 * Of every method: it may have had another one before.  `act` is 0, or -1 with
 * errno; false when one failed, after a line of `complaint` and its file.
 */
static bool
each_credential(const struct options *options, const struct options_spec *spec,
    const char *name, int (*act)(const char *path), const char *complaint)
{
	char below[SITE_FILE_MAX];
	bool ok = true;

	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		char *path;

		if (i == CONF_AUTH_CERTIFICATE)
			continue;
		site_file_credential(below, sizeof(below), name,
		    (enum conf_auth)i);
		path = file_join(options->dir, below);
		if (path == NULL || (act(path) == -1 && errno != ENOENT)) {
			log_warn("%s: %s%s", spec->command, complaint, below);
			ok = false;
		}
		free(path);
	}
	return ok;
}

static int
touch(const char *path)
{
	return utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/*
 * The configuration, when it is a server's.  Faults of other sites' files are no
 * matter here, and for conf_load_any() no others either.
 */
static struct conf *
load_server(const struct options *options, const char *who, conf_load_fn *load)
{
	struct conf_errors quiet = { .say = say_nothing };
	char	    *path = options_config(options);
	struct conf *conf = path != NULL && load == conf_load_any ?
	    conf_load_any(path, &quiet) : NULL;

	if (conf == NULL && path != NULL)
		conf = options_load(path, load);
	/* Where conf_load_any() will not do, something was to be changed. */
	if (conf == NULL && load == conf_load_live)
		log_warnx("%s: nothing is changed", who);
	if (conf != NULL && conf->role != CONF_SERVER) {
		log_warnx("%s: %s is a satellite's; sites are managed at the "
			  "primary site", who, path);
		conf_free(conf);
		conf = NULL;
	}
	free(path);
	return conf;
}

static const struct conf_site *
find_site(const struct conf *conf, const char *name, const char *who)
{
	const struct conf_site *site = conf_find_site(conf, name);

	if (site == NULL)
		missing(who, name);
	else if (site->faulty) {
		for (size_t i = 0; i < conf->faults.n; i++)
			log_warnx("%s: %s", who, conf->faults.v[i]);
		site = NULL;
	}
	return site;
}

/*
 * Asks the daemon whether what is on disk is in force.  `want` is the state of
 * the site then, NULL: any.  True, and `*when`, also if there is no daemon;
 * false after a line that says why.
 */
static bool
in_force(const struct options *options, const struct options_spec *spec,
    const char *name, const char *want, const char **when)
{
	char	   *path = options_socket(options);
	json_t	   *answer = NULL, *faults;
	const char *state, *error;
	int	    r = -ENOTCONN;

	*when = "";
	if (path != NULL)
		r = admin_call(path, json_pack("{s:s,s:s}", "command", "sync",
		    "site", name), &answer);
	free(path);
	if (r == -ENOENT || r == -ECONNREFUSED) {
		*when = "; no daemon is running: it takes effect at the next "
			"start";
		return true;
	}
	state = json_string_value(json_object_get(answer, "site"));
	error = json_string_value(json_object_get(answer, "error"));
	if (r == 0 && state != NULL &&
	    (want == NULL || strcmp(state, want) == 0)) {
		json_decref(answer);
		return true;
	}
	if (r < 0)
		log_warnx("%s: site %s: it is written, but the daemon does not "
		    "say whether it is in force: %s; tombolo reload asks again",
		    spec->command, name, r == -ENOTCONN ?
			"it has another configuration" : strerror(-r));
	else
		log_warnx("%s: site %s: it is written, but not in force%s%s",
		    spec->command, name, error != NULL ? ": " : "",
		    error != NULL ? error : "");
	faults = json_object_get(answer, "faults");
	for (size_t i = 0; i < json_array_size(faults); i++)
		log_warnx("%s: %s", spec->command,
		    json_string_value(json_array_get(faults, i)));
	json_decref(answer);
	return false;
}

/* The same, and says when it takes effect; the exit status. */
static int
say_when(const struct options *options, const struct options_spec *spec,
    const char *name, const char *want)
{
	const char *when;

	if (!in_force(options, spec, name, want, &when))
		return 1;
	if (*when != '\0')
		printf("%s\n", when + strlen("; "));
	return 0;
}

static const char *
state_of(const struct conf_site *site)
{
	if (site->faulty)
		return "faulty";
	return site->disabled ? "disabled" : "enabled";
}

static json_t *
to_json(const struct conf_site *site)
{
	return json_pack("{s:s, s:b, s:b, s:s, s:o, s:o, s:b}", "name",
	    site->name, "disabled", (int)site->disabled, "faulty",
	    (int)site->faulty, "auth", conf_auth_name(site->auth),
	    "addresses", list_to_json(&site->addresses, true), "subnets",
	    list_to_json(&site->subnets, false), "default-route",
	    (int)site->default_route);
}

static json_t *
list_to_json(const struct conf_prefixes *list, bool hosts)
{
	json_t *array = json_array();
	char	text[PREFIX_STRLEN];

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(hosts ?
			addr_print(&list->v[i].addr, text, sizeof(text)) :
			prefix_print(&list->v[i], text, sizeof(text))));
	return array;
}

/* Consumes `json`. */
static int
print_json(json_t *json, const char *who)
{
	int r = json == NULL ||
	    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) ==
		-1;

	json_decref(json);
	if (r != 0)
		log_warnx("%s: there is no memory for it", who);
	else
		putchar('\n');
	return r;
}

/* All in one cell; a long list is cut: `show` has all of it. */
static void
add_list(struct table *table, const struct conf_prefixes *list, bool hosts)
{
	char text[256] = "", one[PREFIX_STRLEN];
	int  n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (hosts)
			addr_print(&list->v[i].addr, one, sizeof(one));
		else
			prefix_print(&list->v[i], one, sizeof(one));
		if ((size_t)n + strlen(one) + 8 > sizeof(text)) {
			snprintf(text + n, sizeof(text) - (size_t)n, ", ...");
			break;
		}
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s",
		    i > 0 ? ", " : "", one);
	}
	table_add(table, list->n > 0 ? text : NULL);
}

/* Of a file that is none: it may be what is to be locked out of. */
static int
put_in_front(const char *name, char **text, size_t *len)
{
	char  *out;
	size_t out_len;
	FILE  *f = open_memstream(&out, &out_len);

	if (f == NULL)
		return -ENOMEM;
	fprintf(f, "[site %s]\ndisabled = yes\n", name);
	fwrite(*text, 1, *len, f);
	if (fclose(f) != 0)
		return -ENOMEM;
	free(*text);
	*text = out;
	*len = out_len;
	return 0;
}

static void
missing(const char *who, const char *name)
{
	log_warnx("%s: there is no site %s; see tombolo site list", who, name);
}
