/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfile: finds out whether a daemon uses a local socket, and to which
 * configuration that daemon belongs.
 *
 * The files NAME.pid and NAME.owner are beside NAME.sock.  NAME.pid is locked
 * while the daemon runs; without the lock, it was left by a crash.  NAME.owner
 * is a link to the configuration of the daemon, and of what the daemon has
 * changed on the host.  Commands compare it, since two directories of the same
 * name have the same default socket.
 *
 * `config` is from conf_socket_resolve(); NULL means any configuration, as with
 * --socket.
 */
#ifndef PIDFILE_H
#define PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

struct pidfh;

/*
 * Puts the name of a file beside the socket (".pid", ".journal") into `path`,
 * and returns it; "" if the socket's name is too long for a socket.
 */
#define PIDFILE_PATH_SIZE 256
const char *pidfile_beside(char path[PIDFILE_PATH_SIZE], const char *socket,
    const char *suffix);

/*
 * The socket of a daemon of `config` if that is not `socket`, because the line
 * in the configuration was changed since, or can no longer be read.  A running
 * daemon is preferred to one that was killed.  Looks in /run/tombolo and beside
 * `socket`.  A new string, or NULL.
 */
char *pidfile_elsewhere(const char *socket, const char *config);

/* Whether a daemon is running, or has left files there. */
bool pidfile_is_left(const char *socket);

/* False, after one line in the log, if it belongs to another configuration. */
bool pidfile_is_ours(const char *socket, const char *config);

/*
 * False, after one line in the log, if other users can put files into the
 * socket's directory or replace the directory: files beside the socket are
 * trusted, and the journal is undone as root.
 */
bool pidfile_dir_is_private(const char *socket);

/*
 * Creates and locks the pid file (and /run/tombolo).  NULL, after a line in the
 * log, if it cannot, if a daemon of the configuration is running (also at
 * another socket), or if a killed daemon of another configuration must be
 * cleaned up after first.  Undone by pidfile_unlock().
 */
struct pidfh *pidfile_lock(const char *socket, const char *config);
void	      pidfile_unlock(struct pidfh *pidfile, const char *socket);

/*
 * Renames the journal of `left`, where no daemon is running, to that of
 * `socket`.
 */
void pidfile_adopt(const char *socket, const char *left);

/*
 * The pid of the running daemon, 0 if there is none, or a negative errno value
 * (-EAGAIN: it is starting).  Creates no file.
 */
pid_t pidfile_pid(const char *socket);

#endif /* PIDFILE_H */
