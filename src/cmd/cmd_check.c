/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_check: parses and validates a configuration; touches nothing.
 */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/options.h"
#include "monitor/modes.h"

static const struct options_spec spec = {
	.command = "check",
	.synopsis = "[-c FILE | --dir D] [-v]",
	.help = "Parses and validates a configuration.  Every complaint is one "
		"line:\nfile:line: what, and how to mend it.  With -v it "
		"prints what it understood.\nFiles that others may change, or "
		"read where they must not, are complained about too.",
	.takes = OPTION_WHERE | OPTION_VERBOSE,
};

static bool are_modes_tight(const struct conf *conf, const char *path);

int
cmd_check(int argc, char **argv)
{
	struct options options;
	struct conf   *conf;
	char	      *path;
	int	       r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	path = options_config(&options);
	if (path == NULL) {
		log_warn("check");
		return 1;
	}
	conf = options_load_conf(path);
	r = conf != NULL && are_modes_tight(conf, path) ? 0 : 1;
	if (conf != NULL && options.verbose > 0)
		conf_print(stdout, conf);
	else if (r == 0)
		printf("%s: ok\n", path);
	conf_free(conf);
	free(path);
	return r;
}

/* As `run` looks at them. */
static bool
are_modes_tight(const struct conf *conf, const char *path)
{
	char *whole = realpath(path, NULL);
	bool  tight = whole != NULL && modes_are_tight(conf, whole);

	if (whole == NULL)
		log_warn("check: %s", path);
	free(whole);
	return tight;
}
