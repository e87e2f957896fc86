/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_reload: makes the running daemon take a changed configuration, and says
 * what of it has to wait for a restart.
 */
#include "cmd/cmd.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>
#include <jansson.h>

#include "admin/admin_call.h"
#include "base/log.h"
#include "cmd/options.h"
#include "conf/conf_keys.h"

#define RELOAD_LINE 512

static char *find_socket(const struct options *options);
static void keep_first(void *arg, const char *text);
static void say_waiting(const json_t *names);

int
cmd_reload(int argc, char **argv)
{
	static const struct options_spec spec = {
		.command = "reload",
		.synopsis = "[-c FILE | --socket PATH]",
		.help = "Makes the running daemon take a changed configuration.",
		.takes = OPTION_CONFIG | OPTION_SOCKET,
	};
	struct options options;
	json_t	      *answer;
	char	      *path;
	int	       r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	path = find_socket(&options);
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

/*
 * A file that cannot be read whole does not say where the socket is; the daemon
 * is asked all the same where it is by default, and says what is wrong.
 */
static char *
find_socket(const struct options *options)
{
	char		   first[RELOAD_LINE] = "";
	struct conf_errors errors = { .say = keep_first, .arg = first };
	struct conf	  *conf;
	char		  *file, *dir, *path = NULL;

	if (options->socket != NULL)
		return options_socket(options);
	file = options_config(options);
	conf = file != NULL ? conf_load(file, &errors) : NULL;
	dir = file != NULL && conf == NULL ? realpath(dirname(file), NULL) :
					     NULL;
	if (conf != NULL)
		path = strdup(conf->socket);
	else if (dir != NULL)
		path = conf_default_socket(dir);
	if (conf == NULL && path != NULL && access(path, F_OK) == -1) {
		free(path);
		path = NULL;
	}
	if (path == NULL)
		log_warnx("%s", first[0] != '\0' ? first : "there is no memory");
	free(dir);
	free(file);
	conf_free(conf);
	return path;
}

static void
keep_first(void *arg, const char *text)
{
	char *first = arg;

	if (first[0] == '\0')
		strlcpy(first, text, RELOAD_LINE);
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
