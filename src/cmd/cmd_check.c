/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_check: checks what `run` needs: the configuration, its files, this host.
 * Changes nothing.
 */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "cmd/check/check_files.h"
#include "cmd/check/check_host.h"
#include "cmd/util/options.h"
#include "monitor/state/file_modes.h"

static const struct options_spec spec = {
	.command = "check",
	.synopsis = "[-c FILE | --dir D] [--static] [-v]",
	.help = "Checks the configuration, its certificates, keys and "
		"passwords, and this host, and\nprints a line for each "
		"problem.  --static does not check this host.  -v prints "
		"the\nconfiguration as understood.  Exit status: 0 no problem; "
		"1 tombolo run would fail,\nor no site could log in; 3 a part "
		"would not work.",
	.takes = OPTION_WHERE | OPTION_STATIC | OPTION_VERBOSE,
};

static void look(struct check_report *report, const struct options *options,
    const char *path);

int
cmd_check(int argc, char **argv)
{
	struct check_report report = { 0 };
	AUTO_FREE char *path = NULL;
	CONF_AUTO_FREE *conf = NULL;
	struct options	options;
	int		r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	path = options_config(&options);
	conf = options_try(path, CONF_LOAD_LIVE);
	if (conf == NULL)
		conf = options_load(path, CONF_LOAD_STRICT); /* all at once */
	report.conf = conf;
	if (conf != NULL)
		look(&report, &options, path);
	r = conf == NULL || report.errors > 0 ? CMD_FAILED :
	    report.warnings > 0		      ? CMD_DEGRADED :
						CMD_DONE;
	if (conf != NULL && options.verbose > 0)
		conf_print(stdout, conf);
	else if (r == CMD_DONE)
		printf("%s: ok\n", path);
	return r;
}

static void
look(struct check_report *report, const struct options *options,
    const char *path)
{
	const struct conf *conf = report->conf;
	AUTO_FREE char *whole = realpath(path, NULL);

	if (whole == NULL)
		check_error(report, "%s: cannot resolve its path", path);
	else if (!file_modes_are_tight(conf, whole))
		report->errors++; /* which was reported */
	/* Each fault concerns one site only. */
	for (size_t i = 0; i < conf->faults.n; i++)
		check_warning(report, "%s", conf->faults.v[i]);
	check_files(report);
	if (whole != NULL && !options->only_static)
		check_host(report, whole);
}
