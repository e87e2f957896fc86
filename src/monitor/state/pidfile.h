/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfile: whether a daemon runs at a local socket, and whose it is.
 *
 * Beside NAME.sock lie NAME.pid, whose lock is what counts (a file without one
 * was left by a crash), and NAME.owner, a link to the configuration that the
 * daemon, and what it left on the host, belong to.  Directories of the same
 * name share a socket by default, so commands compare it.
 *
 * `config` is from conf_socket_resolve(); NULL: whosever it is, as --socket says.
 */
#ifndef PIDFILE_H
#define PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

struct pidfh;

/*
 * The file beside the socket, into `path`, which is returned: ".pid",
 * ".journal".  "" if the name is longer than any socket's can be.
 */
#define PIDFILE_PATH_SIZE 256
const char *pidfile_beside(char path[PIDFILE_PATH_SIZE], const char *socket,
    const char *suffix);

/*
 * The socket of a daemon of `config` that is not at `socket`: the line in the
 * configuration was changed since, or cannot be read as it was.  One that runs
 * rather than one that was killed.  Looks in /run/tombolo and beside `socket`;
 * a new string, or NULL.
 */
char *pidfile_elsewhere(const char *socket, const char *config);

/* Whether there is anything of a daemon, one that was killed perhaps. */
bool pidfile_is_left(const char *socket);

/* False, after one line, if it is another configuration's. */
bool pidfile_is_ours(const char *socket, const char *config);

/*
 * False, after one line, if others may put files into the socket's directory, or
 * another in its place: what lies beside it is believed, and undone as root.
 */
bool pidfile_dir_is_private(const char *socket);

/*
 * Makes and locks the pid file (and /run/tombolo).  NULL if it cannot, or if a
 * daemon has it or runs elsewhere, or if what another configuration's daemon left is still to be
 * undone: logged.  Give back with pidfile_unlock().
 */
struct pidfh *pidfile_lock(const char *socket, const char *config);
void	      pidfile_unlock(struct pidfh *pidfile, const char *socket);

/* The journal of `left`, where none runs, is that of `socket` from now on. */
void pidfile_adopt(const char *socket, const char *left);

/*
 * The pid of the daemon that runs, 0 when none does, or a negative errno
 * value (-EAGAIN: it has only just begun).  Makes no file.
 */
pid_t pidfile_pid(const char *socket);

#endif /* PIDFILE_H */
