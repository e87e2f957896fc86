/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "roles.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <bsd/unistd.h>

#include "base/log.h"
#include "base/nitems.h"
#include "engine/engine.h"
#include "keeper/keeper.h"
#include "pam/pam_helper.h"
#include "proc/proc.h"
#include "resolver/resolver.h"

static int (*const mains[])(void) = {
	[PROC_KEEPER] = keeper_main,
	[PROC_ENGINE] = engine_main,
	[PROC_RESOLVER] = resolver_main,
	[PROC_PAM] = pam_helper_main,
};

static bool find(const char *command, enum proc_role *role);

int
roles_main(int argc, char **argv)
{
	enum proc_role role;
	struct stat    st;
	const char    *error;
	int	       level;

	if (argc != 4 || !find(argv[1], &role) ||
	    strcmp(argv[2], "--log-level") != 0) {
		log_warnx("%s: no such command; see tombolo --help", argv[1]);
		return 2;
	}
	level = (int)strtonum(argv[3], LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG, &error);
	if (error != NULL) {
		log_warnx("--log-level %s: %s", argv[3], error);
		return 2;
	}
	if (fstat(PROC_CHAN_FD, &st) == -1 || !S_ISSOCK(st.st_mode)) {
		log_warnx("%s is started by the daemon only; see tombolo run",
		    argv[1]);
		return 2;
	}
	log_init(proc_name(role), (enum log_level)level);
	/* A terminal's signals reach us all; the monitor says when to end. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* write() says so as well */
	setproctitle_init(argc, argv, environ);
	proc_confine(role);
	return mains[role]();
}

static bool
find(const char *command, enum proc_role *role)
{
	unsigned i = 0;

	while (i < nitems(mains) && (mains[i] == NULL ||
	    strcmp(command + 1, proc_name((enum proc_role)i)) != 0))
		i++;
	*role = (enum proc_role)i;
	return i < nitems(mains);
}
