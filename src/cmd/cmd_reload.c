/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_reload: makes the running daemon take a changed configuration, and says
 * what of it has to wait for a restart.
 */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "admin/admin_call.h"
#include "base/log.h"
#include "cmd/options.h"

static void say_waiting(const json_t *names);

int
cmd_reload(int argc, char **argv)
{
	static const struct options_spec spec = {
		.command = "reload",
		.synopsis = "[-c FILE | --dir D | --socket PATH]",
		.help = "Makes the running daemon take a changed configuration.",
		.takes = OPTION_WHERE | OPTION_SOCKET,
	};
	struct options options;
	json_t	      *answer;
	char	      *path;
	int	       r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	path = options_socket(&options);
	if (path == NULL)
		return 1;
	answer = admin_call_or_say(path,
	    json_pack("{s:s}", "command", spec.command));
	free(path);
	if (answer == NULL)
		return 1;
	say_waiting(json_object_get(answer, "needs_restart"));
	json_decref(answer);
	return 0;
}

static void
say_waiting(const json_t *names)
{
	char	      clean[128];
	size_t	      i;
	const json_t *name;

	json_array_foreach((json_t *)(uintptr_t)names, i, name) {
		if (!json_is_string(name))
			continue;
		printf("%s is changed: that needs a restart\n",
		    log_escape(clean, sizeof(clean), json_string_value(name),
			json_string_length(name)));
	}
}
