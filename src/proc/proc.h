/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc: our processes: who they are, how they start, how they lose rights.
 *
 * The monitor starts each by fork and exec of our own binary, so every one has
 * an address space layout of its own and inherits no memory.  A child finds
 * its first channel at descriptor PROC_CHAN_FD and knows its role from the
 * hidden command "_ROLE".
 *
 * Users: _tombolo-keeper, _tombolo-engine, _tombolo-resolver (sysusers.d).  A
 * host that has none (a build tree, a container) gets unused ids from 60610 on,
 * one a role, the same at every start; the monitor's log says so.  In a user
 * namespace that has no such ids (a container of one id) all are the monitor's
 * user, without its rights.
 */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <sys/types.h>

#define PROC_CHAN_FD	  3 /* to the monitor */
#define PROC_CHAN_FD2	  4 /* the keeper's second: signatures */
#define PROC_FALLBACK_UID 60610

enum proc_role { PROC_MONITOR, PROC_KEEPER, PROC_ENGINE, PROC_RESOLVER, PROC_PAM };

struct proc_user {
	uid_t uid;
	gid_t gid;
	bool  fallback; /* not a user of this host: from the range */
	bool  shared;	/* the monitor's: this user namespace has no other */
};

const char *proc_name(enum proc_role role);

/* The user a role runs as.  0 or a negative errno value. */
int proc_user(enum proc_role role, struct proc_user *user);

/* The group that may use the local socket: tombolo, or -1 when there is none. */
gid_t proc_admin_group(void);

/*
 * Starts a child in `role`; `fds` become PROC_CHAN_FD and the ones behind it,
 * everything else but stderr is closed in it.  Returns its pid, or a negative
 * errno value.
 */
pid_t proc_start(enum proc_role role, const int *fds, unsigned nfds,
    int log_level);

/* Waits for a child, up to `wait_ms`.  Whether it is gone, or was before. */
bool proc_wait(pid_t pid, int wait_ms);

/*
 * SIGKILL to `target`, as kill(2) has it, and waits for the child `pid`.  One
 * that hangs in the kernel, on a disk say, is left behind after 5 s.
 */
void proc_kill(pid_t target, pid_t pid);

/*
 * The first thing a child does: names itself, takes its own user and no group,
 * gives up all capabilities, sets no_new_privs, forbids core dumps and tracing,
 * and dies with the monitor.  Fatal when any of it fails.  A PAM helper keeps
 * its rights, and is only set apart.
 */
void proc_confine(enum proc_role role);

/*
 * The monitor, once it stands: keeps what it needs to tend its network and its
 * children, and gives up the rest.  `helpers`: it starts programs as root (PAM),
 * which get all rights anew; else nobody below it can.  0 or a negative errno
 * value.
 */
int proc_keep_few_capabilities(bool helpers);

/* Whether this process has the capability. */
bool proc_may(unsigned cap);

#endif /* PROC_H */
