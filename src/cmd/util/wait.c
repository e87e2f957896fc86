/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/wait.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cmd/util/admin_call.h"
#include "base/mono.h"
#include "cmd/util/json_field.h"

#define STEP_MS 50

static bool look(const char *socket);

void
wait_pause(void)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };

	nanosleep(&step, NULL);
}

bool
wait_until_up(const char *socket, unsigned seconds, pid_t pid)
{
	struct mono end = mono_add(mono_now(), seconds * MONO_SEC);

	while (!look(socket)) {
		if (mono_is_due(end, mono_now()) ||
		    (pid > 0 && waitpid(pid, NULL, WNOHANG) != 0))
			return false;
		wait_pause();
	}
	return true;
}

bool
wait_is_up(const json_t *answer)
{
	const char *state = json_field_text(answer, "state");

	return state != NULL && strcmp(state, "up") == 0;
}

static bool
look(const char *socket)
{
	json_auto_t *answer = NULL;

	return admin_call(socket, json_pack("{s:s}", "command", "status"),
	    &answer) == 0 && wait_is_up(answer);
}
