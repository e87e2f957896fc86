/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_doctor: what on this host would stop it.  Its word is fixed already; what
 * it does comes with a later version.
 */
#include "cmd/cmd.h"

#include "base/log.h"
#include "cmd/util/options.h"

static int not_yet(const struct options_spec *spec, int argc, char **argv);

int
cmd_doctor(int argc, char **argv)
{
	static const struct options_spec spec = {
		.command = "doctor",
		.synopsis = "[-c FILE | --dir D]",
		.help = "Says what on this host or path would stop the daemon "
			"(a later version will).",
		.takes = OPTION_WHERE,
	};

	return not_yet(&spec, argc, argv);
}

static int
not_yet(const struct options_spec *spec, int argc, char **argv)
{
	struct options options;
	int	       r = options_parse(&options, spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	log_warnx("%s: this version does not have it yet", spec->command);
	return 1;
}
