/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_reload: makes the running daemon apply a changed configuration, and lists
 * the changes that need a restart.
 */
#include "cmd/cmd.h"

#include <stdio.h>

#include <jansson.h>

#include "base/log.h"
#include "cmd/util/options.h"

static size_t say(const json_t *texts, const char *before, const char *behind);

int
cmd_reload(int argc, char **argv)
{
	static const struct options_spec spec = {
		.command = "reload",
		.synopsis = "[-c FILE | --dir D | --socket PATH]",
		.help = "Makes the daemon read its configuration again.",
		.takes = OPTION_WHERE | OPTION_SOCKET,
	};
	json_auto_t   *answer = NULL;
	struct options options;
	int	       r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	answer = options_ask(&options, json_pack("{s:s}", "command",
	    spec.command));
	if (answer == NULL)
		return CMD_FAILED;
	r = say(json_object_get(answer, "faults"), "not in force: ", "") > 0 ?
	    CMD_FAILED : CMD_DONE;
	if (say(json_object_get(answer, "needs_restart"), "",
		" is changed: that needs a restart") > 0 && r == CMD_DONE)
		r = CMD_DEGRADED;
	if (r == CMD_DONE)
		printf("the configuration is in force\n");
	return r;
}

/* Prints one per line; returns how many. */
static size_t
say(const json_t *texts, const char *before, const char *behind)
{
	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		log_warnx("%s%s%s", before, text != NULL ? text : "?", behind);
	}
	return json_array_size(texts);
}
