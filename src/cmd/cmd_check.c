/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_check: parses and validates a configuration; touches nothing.
 */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/options.h"

static const struct options_spec spec = {
	.command = "check",
	.synopsis = "[-c FILE] [-v]",
	.help = "Parses and validates a configuration.  Every complaint is one "
		"line:\nfile:line: what, and how to mend it.  With -v it "
		"prints what it understood.",
	.takes = OPTION_CONFIG | OPTION_DIR | OPTION_VERBOSE,
};

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
	if (conf != NULL && options.verbose > 0)
		conf_print(stdout, conf);
	else if (conf != NULL)
		printf("%s: ok\n", path);
	r = conf != NULL ? 0 : 1;
	conf_free(conf);
	free(path);
	return r;
}
