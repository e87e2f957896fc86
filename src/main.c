/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tombolo: joins sites into one Ethernet, or one routed network.
 *
 * The table of subcommands, and nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "base/json_safe.h"
#include "base/log.h"
#include "base/nitems.h"
#include "cmd/cmd.h"
#include "cmd/util/options.h"
#include "roles.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "init", cmd_init, "set up a hub: CA, certificate, configuration" },
	{ "site", cmd_site, "add, list, show, change or remove sites" },
	{ "join", cmd_join, "set up a site from an invitation" },
	{ "run", cmd_run, "run the daemon" },
	{ "check", cmd_check, "check a configuration" },
	{ "status", cmd_status, "what the running daemon is doing" },
	{ "sites", cmd_status, "the connected sites" },
	{ "fdb", cmd_status, "which address is behind which site (tap)" },
	{ "routes", cmd_status, "which network is behind which site (tun)" },
	{ "kick", cmd_status, "end a site's session" },
	{ "login", cmd_login, "answer questions of the hub" },
	{ "reload", cmd_reload, "read the configuration again" },
	{ "stop", cmd_stop, "stop the running daemon" },
	{ "version", cmd_version, "version, libraries and features" },
};

static void ask_for_help(int argc, char **argv);
static void usage(FILE *out);

int
main(int argc, char **argv)
{
	static char version[] = "version";

	log_init(NULL, LOG_LEVEL_INFO);
	json_safe_setup();
	/* Keep the order of output and errors when both go to one file. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	options_command_first(argc, argv);
	if (argv[1][0] == '_')
		return roles_main(argc, argv);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 &&
		(argc == 2 || argv[2][0] == '-' ||
		    strcmp(argv[2], "help") == 0))) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "help") == 0)
		ask_for_help(argc, argv);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		argv[1] = version;
	for (size_t i = 0; i < nitems(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	log_warnx("\"%s\": no such command; see tombolo --help", argv[1]);
	return 2;
}

/* "help site add" becomes "site add --help". */
static void
ask_for_help(int argc, char **argv)
{
	static char help[] = "--help";

	memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof(*argv));
	argv[argc - 1] = help;
}

static void
usage(FILE *out)
{
	fprintf(out, "usage: tombolo COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < nitems(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\ntombolo help COMMAND shows its options; tombolo(8) is "
		     "the manual.\n");
}
