/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <bsd/unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/nitems.h"
#include "proc/sandbox.h"

#ifndef PROC_EXE /* valgrind is what it finds there itself */
#define PROC_EXE "/proc/self/exe"
#endif
#define FALLBACK_STRIDE 8 /* more than there are roles */
#define FALLBACK_TRIES	32
#define MAX_FDS		16
#define WAIT_STEP_MS	5
#define KILLED_MS	5000

static const struct {
	const char *name;
	const char *user; /* NULL: the monitor's */
} roles[] = {
	[PROC_MONITOR] = { "monitor", NULL },
	[PROC_KEEPER] = { "keeper", "_tombolo-keeper" },
	[PROC_ENGINE] = { "engine", "_tombolo-engine" },
	[PROC_RESOLVER] = { "resolver", "_tombolo-resolver" },
	[PROC_PAM] = { "pam", NULL }, /* stays root: modules need that */
};

/* What the monitor goes on doing, and what for. */
static const uint64_t monitors =
    UINT64_C(1) << CAP_NET_ADMIN |	 /* routes, addresses, rules, sockets */
    UINT64_C(1) << CAP_SETUID |		 /* children take their users */
    UINT64_C(1) << CAP_SETGID |
    UINT64_C(1) << CAP_SETPCAP |	 /* and drop their bounding sets */
    UINT64_C(1) << CAP_KILL |		 /* and are ended */
    UINT64_C(1) << CAP_SYS_RESOURCE |	 /* RLIMIT_MEMLOCK of theirs */
    UINT64_C(1) << CAP_DAC_READ_SEARCH;	 /* watches keeper/sites */
/* Under NoNewPrivileges a PAM helper has no more than its parent. */
static const uint64_t helpers_too = UINT64_C(1) << CAP_AUDIT_WRITE;

static void become(enum proc_role role, const int *fds, unsigned nfds,
    int log_level, pid_t parent) __attribute__((__noreturn__));
static int  place_fds(const int *fds, unsigned nfds);
static struct proc_user of_ids(uid_t uid, gid_t gid, bool fallback);
static bool is_mapped(const char *path, id_t id);
static void confine_pam(void);
static void change_user(const struct proc_user *user);
static void drop_bounding_set(void);
static int capabilities(long call, struct __user_cap_data_struct *data);
static void drop_capabilities(void);
static void set_limits(void);

const char *
proc_name(enum proc_role role)
{
	return roles[role].name;
}

int
proc_user(enum proc_role role, struct proc_user *user)
{
	struct passwd *pw;
	uid_t	       id = PROC_FALLBACK_UID + (uid_t)role;

	*user = (struct proc_user) { .uid = geteuid(), .gid = getegid() };
	if (roles[role].user == NULL)
		return 0;
	pw = getpwnam(roles[role].user);
	if (pw != NULL && pw->pw_uid != 0) {
		*user = of_ids(pw->pw_uid, pw->pw_gid, false);
		return 0;
	}
	/* An id of a user or group of this host would share its rights. */
	for (unsigned i = 0; i < FALLBACK_TRIES; i++, id += FALLBACK_STRIDE) {
		if (getpwuid(id) != NULL || getgrgid((gid_t)id) != NULL)
			continue;
		*user = of_ids(id, (gid_t)id, true);
		return 0;
	}
	return -ENOENT;
}

gid_t
proc_admin_group(void)
{
	struct group *gr = getgrnam("tombolo");

	return gr != NULL ? gr->gr_gid : (gid_t)-1;
}

pid_t
proc_start(enum proc_role role, const int *fds, unsigned nfds, int log_level)
{
	pid_t parent = getpid(), pid;

	if (nfds > MAX_FDS)
		return -EINVAL;
	pid = fork();
	if (pid == -1)
		return -errno;
	if (pid == 0)
		become(role, fds, nfds, log_level, parent);
	return pid;
}

bool
proc_wait(pid_t pid, int wait_ms)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000L };
	struct mono	      end = mono_add(mono_now(), wait_ms * MONO_MS);

	for (;;) {
		pid_t got = waitpid(pid, NULL, WNOHANG);

		/* ECHILD: a loop has reaped it and not told us yet. */
		if (got == pid || (got == -1 && errno != EINTR))
			return true;
		if (mono_is_due(end, mono_now()))
			return false;
		nanosleep(&step, NULL);
	}
}

void
proc_kill(pid_t target, pid_t pid)
{
	kill(target, SIGKILL);
	if (!proc_wait(pid, KILLED_MS))
		log_warnx("process %ld: killed, but still there; ignored",
		    (long)pid);
}

void
proc_confine(enum proc_role role)
{
	struct proc_user user;
	pid_t		 parent = getppid();

	setproctitle("%s", proc_name(role));
	if (role == PROC_PAM) {
		confine_pam();
		return;
	}
	if (geteuid() == 0) {
		if (proc_user(role, &user) < 0)
			fatalx("no user id is free for the %s; create the user "
			       "%s", proc_name(role), roles[role].user);
		drop_bounding_set();
		if (!user.shared)
			change_user(&user);
	}
	drop_capabilities();
	set_limits();
	/* The change of user cleared it; the monitor may have died since. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		fatal("cannot tie this process to the monitor");
	if (getppid() != parent)
		fatalx("the monitor is gone");
}

int
proc_keep_few_capabilities(bool helpers)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int cap = 0; !helpers && prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		/* Without CAP_SETPCAP it stays: there is little to lose. */
		if ((monitors >> cap & 1) == 0)
			(void)prctl(PR_CAPBSET_DROP, cap);
	}
	if (capabilities(SYS_capget, data) < 0)
		return -errno;
	for (size_t i = 0; i < nitems(data); i++) {
		uint32_t keep = (uint32_t)(
		    (helpers ? monitors | helpers_too : monitors) >> 32 * i);

		data[i].effective &= keep;
		data[i].permitted &= keep;
		data[i].inheritable &= keep;
	}
	return capabilities(SYS_capset, data);
}

bool
proc_may(unsigned cap)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return capabilities(SYS_capget, data) == 0 &&
	    (data[cap / 32].effective & 1u << cap % 32) != 0;
}

/* libc has no call for it, and libcap is one more library for one line. */
static int
capabilities(long call, struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(call, &header, data) == -1 ? -errno : 0;
}

/* In the child: nothing here may touch what the monitor's memory holds. */
static void
become(enum proc_role role, const int *fds, unsigned nfds, int log_level,
    pid_t parent)
{
	char	 name[32], level[16];
	char	*argv[] = { (char[]) { "tombolo" }, name,
		(char[]) { "--log-level" }, level, NULL };
	sigset_t none;
	int	 r;

	/* Until the child changes its user, and does this again. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sandbox_raise_limits(role);
	r = place_fds(fds, nfds);
	if (r < 0) {
		errno = -r;
		log_warn("%s: cannot pass its descriptors", proc_name(role));
		_exit(1);
	}
	snprintf(name, sizeof(name), "_%s", proc_name(role));
	snprintf(level, sizeof(level), "%d", log_level);
	execv(PROC_EXE, argv);
	log_warn("%s: cannot execute " PROC_EXE, proc_name(role));
	_exit(1);
}

/*
 * Two steps, since a source may lie where another one goes: out of the way
 * first (dup2() also clears close-on-exec), then into place.
 */
static int
place_fds(const int *fds, unsigned nfds)
{
	int high[MAX_FDS];

	for (unsigned i = 0; i < nfds; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC,
		    PROC_CHAN_FD + MAX_FDS);
		if (high[i] == -1)
			return -errno;
	}
	for (unsigned i = 0; i < nfds; i++) {
		if (dup2(high[i], PROC_CHAN_FD + (int)i) == -1)
			return -errno;
	}
	/* Older kernels lack close_range(2); closefrom() then reads /proc. */
	closefrom(PROC_CHAN_FD + (int)nfds);
	return 0;
}

static struct proc_user
of_ids(uid_t uid, gid_t gid, bool fallback)
{
	if (is_mapped("/proc/self/uid_map", uid) &&
	    is_mapped("/proc/self/gid_map", gid))
		return (struct proc_user) { .uid = uid, .gid = gid,
			.fallback = fallback };
	return (struct proc_user) { .uid = geteuid(), .gid = getegid(),
		.shared = true };
}

/* Whether this user namespace has it; a kernel without them has all. */
static bool
is_mapped(const char *path, id_t id)
{
	unsigned long inside, count;
	FILE	     *map = fopen(path, "re");
	bool	      mapped = map == NULL;

	while (!mapped &&
	    fscanf(map, "%lu %*u %lu", &inside, &count) == 2)
		mapped = id >= inside && id - inside < count;
	if (map != NULL)
		fclose(map);
	return mapped;
}

/* Its modules may need any right, and start programs; but it leaves no core. */
static void
confine_pam(void)
{
	struct rlimit no_core = { 0, 0 };

	if (setsid() == -1 || setrlimit(RLIMIT_CORE, &no_core) == -1)
		fatal("cannot stand apart");
	umask(077);
}

static void
change_user(const struct proc_user *user)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	/* A user namespace may forbid it; that matters only if there are any. */
	if (setgroups(0, NULL) == -1 && getgroups(0, NULL) != 0)
		fatal("cannot leave the supplementary groups");
	if (setresgid(user->gid, user->gid, user->gid) == -1)
		fatal("cannot become group %u", (unsigned)user->gid);
	if (setresuid(user->uid, user->uid, user->uid) == -1)
		fatal("cannot become user %u", (unsigned)user->uid);
	if (getresuid(&ruid, &euid, &suid) == -1 ||
	    getresgid(&rgid, &egid, &sgid) == -1)
		fatal("cannot read the user back");
	if (ruid != user->uid || euid != user->uid || suid != user->uid ||
	    rgid != user->gid || egid != user->gid || sgid != user->gid ||
	    getgroups(0, NULL) != 0)
		fatalx("the change of user had no effect");
	if (setresuid((uid_t)-1, 0, (uid_t)-1) != -1)
		fatalx("the change of user can be undone");
}

static void
drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		/* Without CAP_SETPCAP it stays; no_new_privs is what counts. */
		if (prctl(PR_CAPBSET_DROP, cap) == -1)
			return;
	}
}

static void
drop_capabilities(void)
{
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3];

	/* Kernels before 4.3 have no ambient set. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		fatal("cannot drop the ambient capabilities");
	if (capabilities(SYS_capset, none) < 0)
		fatal("cannot drop the capabilities");
	if (capabilities(SYS_capget, now) < 0)
		fatal("cannot read the capabilities back");
	for (size_t i = 0; i < nitems(now); i++) {
		if ((now[i].effective | now[i].permitted |
			now[i].inheritable) != 0)
			fatalx("the capabilities were not dropped");
	}
}

static void
set_limits(void)
{
	struct rlimit no_core = { 0, 0 };

	umask(077);
	if (setrlimit(RLIMIT_CORE, &no_core) == -1)
		fatal("cannot forbid core dumps");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("cannot set no_new_privs");
#ifndef WITH_SANITIZER /* the leak checker traces the process at its end */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("cannot forbid tracing");
#endif
}
