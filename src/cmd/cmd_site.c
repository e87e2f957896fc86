/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_site: manages the sites of a hub: a table of subcommands.  A running
 * daemon notices when the files change.
 */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/nitems.h"
#include "cmd/site/site_add.h"
#include "cmd/site/site_change.h"
#include "cmd/site/site_file.h"
#include "cmd/site/site_job.h"
#include "cmd/site/site_show.h"
#include "cmd/util/options.h"
#include "conf/conf_words.h"

static site_job_fn run_add, run_passwd;

static const struct subcommand {
	const char	   *name;
	site_job_fn	   *run;
	struct options_spec spec;
} subcommands[] = {
	{ "add", run_add,
	    { .command = "site add",
		.synopsis = "NAME [-c FILE | --dir D] [--generate | --password-file F] "
			    "[--auth METHOD]\n           [--address A]... "
			    "[--subnet CIDR]... [--default-route]\n           "
			    "[--out FILE]",
		.help = "Adds a site: creates its credential, and writes the "
			"invitation for tombolo join.",
		.takes = OPTION_WHERE | OPTION_GENERATE | OPTION_PASSWORD_FILE |
		    OPTION_AUTH | OPTION_ADDRESS | OPTION_SUBNET |
		    OPTION_DEFAULT_ROUTE | OPTION_OUT,
		.min_args = 1, .max_args = 1 } },
	{ "set", site_change_set,
	    { .command = "site set",
		.synopsis = "NAME [-c FILE | --dir D] [--address A]... "
			    "[--subnet CIDR]...\n           [--default-route | "
			    "--no-default-route]",
		.help = "Changes a site's addresses, networks and default "
			"route.\n--address and --subnet replace all previous "
			"values; \"none\" removes them.\nComments and other "
			"lines stay.",
		.takes = OPTION_WHERE | OPTION_ADDRESS | OPTION_SUBNET |
		    OPTION_DEFAULT_ROUTE | OPTION_NO_DEFAULT,
		.min_args = 1, .max_args = 1 } },
	{ "list", site_show_all,
	    { .command = "site list", .synopsis = "[-c FILE | --dir D] [--json]",
		.help = "Lists the sites.",
		.takes = OPTION_WHERE | OPTION_JSON } },
	{ "show", site_show_one,
	    { .command = "site show", .synopsis = "NAME [-c FILE | --dir D] [--json]",
		.help = "Shows what is configured for a site.",
		.takes = OPTION_WHERE | OPTION_JSON, .min_args = 1,
		.max_args = 1 } },
	{ "passwd", run_passwd,
	    { .command = "site passwd",
		.synopsis = "NAME [-c FILE | --dir D] [--generate | --password-file F] "
			    "[--out FILE]",
		.help = "Gives a site another password or certificate.\n"
			"Writes a new invitation with --generate or --out, and "
			"always for a certificate.",
		.takes = OPTION_WHERE | OPTION_GENERATE | OPTION_PASSWORD_FILE |
		    OPTION_OUT,
		.min_args = 1, .max_args = 1 } },
	{ "disable", site_change_disable,
	    { .command = "site disable", .synopsis = "NAME [-c FILE | --dir D]",
		.help = "Ends a site's session and refuses its logins.",
		.takes = OPTION_WHERE, .min_args = 1, .max_args = 1 } },
	{ "enable", site_change_enable,
	    { .command = "site enable", .synopsis = "NAME [-c FILE | --dir D]",
		.help = "Lets a disabled site log in again.",
		.takes = OPTION_WHERE, .min_args = 1, .max_args = 1 } },
	{ "remove", site_change_remove,
	    { .command = "site remove", .synopsis = "NAME [-c FILE | --dir D]",
		.help = "Removes a site and its credential.",
		.takes = OPTION_WHERE, .min_args = 1, .max_args = 1 } },
};

static void help(void);
static int  run(const struct subcommand *sub, int argc, char **argv);
static void warn_of_main(const struct site_job *job);

int
cmd_site(int argc, char **argv)
{
	options_command_first(argc, argv);
	if (argc < 2) {
		log_warnx("site: expected add, set, list, show, passwd, "
			  "disable, enable or remove; see tombolo site --help");
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
	printf("\nCOMMAND --help shows its options.\n");
}

static int
run(const struct subcommand *sub, int argc, char **argv)
{
	struct options	options;
	struct site_job job = { &options, &sub->spec, sub->spec.command, NULL };
	char		list[CONF_WHY_SIZE];
	enum conf_auth	auth;
	int		lock, r;

	r = options_parse(&options, &sub->spec, argc, argv);
	if (r != OPTIONS_GO_ON)
		return r;
	if (options.nargs > 0)
		job.name = options.args[0];
	if (job.name != NULL && !conf_is_site_name(job.name))
		return options_wrong(&sub->spec,
		    "%.64s: a site's name has at most %u of a-z, 0-9, \".\", "
		    "\"_\" and \"-\", a letter or digit first",
		    job.name, CONF_NAME_MAX);
	if (options.generate && options.password_file != NULL)
		return options_wrong(&sub->spec,
		    "--generate and --password-file exclude each other");
	if (options.auth != NULL && 
	    !words_find(&conf_words_auth, options.auth, &auth))
		return options_wrong(&sub->spec, "--auth %s: expected %s",
		    options.auth, words_print(&conf_words_auth, list,
		    sizeof(list)));
	if (options.auth != NULL && auth == CONF_AUTH_CERTIFICATE &&
	    (options.generate || options.password_file != NULL))
		return options_wrong(&sub->spec,
		    "a certificate needs no password");
	lock = site_file_lock(options.dir);
	if (lock < 0) {
		log_warnx("%s: %s: %s", job.who, options.dir, strerror(-lock));
		return 1;
	}
	r = sub->run(&job);
	if (r == 0)
		warn_of_main(&job);
	close(lock);
	return r;
}

/* The command was carried out; warns of an error in the main file. */
static void
warn_of_main(const struct site_job *job)
{
	AUTO_FREE char *path = options_config(job->options);
	CONF_AUTO_FREE *conf = options_try(path, CONF_LOAD_MAIN);

	if (conf == NULL)
		log_warnx("%s: done, but %s has an error; see tombolo check -c "
			  "%s", job->who, path, path);
}

static int
run_add(const struct site_job *job)
{
	CONF_AUTO_FREE *conf = site_job_load(job, CONF_LOAD_LIVE);
	int		r;

	if (conf == NULL)
		return 1;
	if (conf_find_site(conf, job->name) != NULL) {
		log_warnx("site add: site %s is there already; choose another "
			  "name, or tombolo site passwd", job->name);
		return 1;
	}
	r = site_add(job->options, conf, job->name);
	return r == 0 ? site_job_say_when(job, "enabled") : r;
}

static int
run_passwd(const struct site_job *job)
{
	CONF_AUTO_FREE	       *conf = site_job_load(job, CONF_LOAD_ANY);
	const struct conf_site *site = conf != NULL ?
	    conf_find_site(conf, job->name) : NULL;
	int r;

	/*
	 * Another site that overlaps this one does not matter here, if it comes
	 * later.
	 */
	if (site != NULL && site->faulty) {
		conf_free(conf);
		conf = site_job_load(job, CONF_LOAD_LIVE);
	}
	site = conf != NULL ? site_job_find(job, conf) : NULL;
	if (site == NULL)
		return 1;
	if (site->auth == CONF_AUTH_CERTIFICATE &&
	    (job->options->generate || job->options->password_file != NULL))
		return options_wrong(job->spec,
		    "site %s has a certificate, which needs no password",
		    job->name);
	r = site_add_again(job->options, conf, site);
	return r == 0 ? site_job_say_when(job, NULL) : r;
}
