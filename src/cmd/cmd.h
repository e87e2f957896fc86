/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd: the subcommands.  Each gets its own argv (argv[0] is its name) and
 * returns the exit status, which means the same for all of them.
 */
#ifndef CMD_H
#define CMD_H

enum cmd_status {
	CMD_DONE, /* or up */
	CMD_FAILED, /* or not up; one line on stderr says why */
	CMD_USAGE, /* one line on stderr says what; nothing was done */
	CMD_DEGRADED, /* works, but not as configured, or needs a restart */
};

int cmd_init(int argc, char **argv);
int cmd_site(int argc, char **argv);
int cmd_join(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
/* Also sites, fdb, routes and kick. */
int cmd_status(int argc, char **argv);
int cmd_login(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif /* CMD_H */
