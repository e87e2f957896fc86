/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_login: answers what the server asks and the stored password does not
 * answer: one-time codes, and whatever else PAM asks for.
 *
 * The daemon talks to the server; this command is its terminal.  What is typed
 * goes only through the local socket, and is wiped.
 */
#include "cmd/cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/readpassphrase.h>
#include <jansson.h>

#include "cmd/util/admin_call.h"
#include "base/auto.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/secret.h"
#include "cmd/util/json_field.h"
#include "cmd/util/options.h"
#include "cmd/util/wait.h"

#define WAIT_US	    (120 * MONO_SEC)
#define ANSWER_SIZE 512
#define PROMPT_SIZE 300

static const struct options_spec spec = {
	.command = "login",
	.synopsis = "[-c FILE | --dir D | --socket PATH]",
	.help = "At a site with auth = pam: connects now, and asks on the "
		"terminal\nwhat the hub asks, for example for a one-time code.",
	.takes = OPTION_WHERE | OPTION_SOCKET,
};

static int  log_in(const char *path);
static int  look(const char *path, bool *done);
static bool ask_person(const char *path, const char *question, bool echo);

int
cmd_login(int argc, char **argv)
{
	struct options options;
	AUTO_FREE char *path = NULL;
	int	       status = options_parse(&options, &spec, argc, argv);

	if (status != OPTIONS_GO_ON)
		return status;
	path = options_socket(&options);
	return path != NULL ? log_in(path) : 1;
}

static int
log_in(const char *path)
{
	struct mono end = mono_add(mono_now(), WAIT_US);
	json_t	   *answer = admin_call_or_say(path,
		json_pack("{s:s}", "command", spec.command));
	bool	    done = false;
	int	    status = 1;

	if (answer == NULL)
		return 1;
	json_decref(answer);
	while (!done && !mono_is_due(end, mono_now())) {
		status = look(path, &done);
		if (!done)
			wait_pause();
	}
	if (!done)
		log_warnx("login: the hub does not answer; see tombolo "
			  "status");
	return status;
}

/* Prints the state; asks the server's questions. */
static int
look(const char *path, bool *done)
{
	json_auto_t *answer = admin_call_or_say(path,
	    json_pack("{s:s}", "command", "question"));
	const char *state = json_field_text(answer, "state");
	const char *error = json_field_text(answer, "last_error");
	const char *question = json_field_text(answer, "question");
	int	    status = 1;

	*done = true;
	if (answer == NULL)
		return 1;
	if (state != NULL && strcmp(state, "up") == 0) {
		printf("up\n");
		status = 0;
	} else if (state != NULL && strcmp(state, "waiting") == 0) {
		log_warnx("login: %s", error != NULL ? error : "it failed");
	} else if (question != NULL) {
		*done = !ask_person(path, question,
		    json_is_true(json_object_get(answer, "echo")));
	} else {
		*done = false;
	}
	return status;
}

static bool
ask_person(const char *path, const char *question, bool echo)
{
	char	typed[ANSWER_SIZE], prompt[PROMPT_SIZE];
	json_t *answer;

	snprintf(prompt, sizeof(prompt), "%s ", question);
	if (readpassphrase(prompt, typed, sizeof(typed),
		RPP_REQUIRE_TTY | (echo ? RPP_ECHO_ON : 0)) == NULL) {
		log_warnx("login: there is no terminal to ask on");
		return false;
	}
	answer = admin_call_or_say(path, json_pack("{s:s,s:s}", "command",
		"answer", "text", typed));
	secret_wipe(typed, sizeof(typed));
	json_decref(answer);
	return answer != NULL;
}
