/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc: our processes: their roles, their start, and how they give up rights.
 *
 * The monitor starts each by fork and exec of our own binary, so each has its
 * own random address space layout and inherits no memory.  A child finds its
 * first channel at descriptor PROC_CHAN_FD and its role in the hidden command
 * "_ROLE".
 *
 * Users: _tombolo-keeper, _tombolo-engine, _tombolo-resolver (sysusers.d).  If
 * the host does not have them (a build tree, a container), unused ids from
 * 60610 on are used, one for each role and the same at every start, and the
 * monitor logs that.  In a user namespace without these ids (a container with
 * one id), all processes run as the monitor's user, without its capabilities.
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
	bool  fallback; /* not a user of this host: an unused id */
	bool  shared;	/* the monitor's user: the namespace has no other */
};

const char *proc_name(enum proc_role role);

/* The user a role runs as.  0 or a negative errno value. */
int proc_user(enum proc_role role, struct proc_user *user);

/* The group that may use the local socket: tombolo, or -1 when there is none. */
gid_t proc_admin_group(void);

/*
 * Starts a child in `role`.  `fds` become PROC_CHAN_FD and the following
 * descriptors in the child; all others except stderr are closed.  Returns its
 * pid, or a negative errno value.
 */
pid_t proc_start(enum proc_role role, const int *fds, unsigned nfds,
    int log_level);

/* Waits up to `wait_ms` for a child to exit.  True if it has exited. */
bool proc_wait(pid_t pid, int wait_ms);

/*
 * Sends SIGKILL to `target`, as for kill(2), and waits for the child `pid`.  If
 * it does not exit within 5 s, because it hangs in the kernel, gives up.
 */
void proc_kill(pid_t target, pid_t pid);

/*
 * The first thing that a child does: sets its title, changes to its own user
 * without groups, drops all capabilities, sets no_new_privs, forbids core dumps
 * and tracing, and arranges to die with the monitor.  Fatal if any of it fails.
 * A PAM helper keeps its rights.
 */
void proc_confine(enum proc_role role);

/*
 * For the monitor, after its start: keeps the capabilities that it needs for
 * its network and its children, and drops the others.  `helpers`: it starts
 * programs as root (PAM), which get all capabilities again; otherwise no child
 * can. 0 or a negative errno value.
 */
int proc_keep_few_capabilities(bool helpers);

/* Whether this process has the capability. */
bool proc_may(unsigned cap);

#endif /* PROC_H */
