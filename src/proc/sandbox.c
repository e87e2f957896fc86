/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sanitizers make system calls of their own, at any time and in their own
 * threads: builds with one go without the lists and without Landlock.
 */
#include "config.h"

#include "proc/sandbox.h"

#include <errno.h>
#ifdef SANDBOX_TRAP
#include <execinfo.h>
#endif
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nitems.h"
#include "proc/landlock.h"

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#define ENGINE	 0x1
#define KEEPER	 0x2
#define RESOLVER 0x4
#define ALL	 (ENGINE | KEEPER | RESOLVER)

static void lock_memory(enum proc_role role);
static void forbid_processes(enum proc_role role);
#ifdef SANDBOX_TRAP
static void name_callers(void);
static void on_violation(int sig, siginfo_t *info, void *context);
#endif

#if defined(HAVE_SECCOMP) && !defined(WITH_SANITIZER)

/*
 * What may be called once a role is at work; names, for they differ from one
 * architecture to the next, and one that an architecture lacks is left out.
 */
static const struct call {
	const char *name;
	unsigned    roles;
	/* Only with this value of an argument; without: -1 */
	int	    argument;
	unsigned    mask; /* of it; 0: the argument must be `value` itself */
	unsigned    value;
} calls[] = {
	/* memory; never to be executed, but the resolver's late libraries */
	{ "brk", ALL, -1, 0, 0 },
	{ "mmap", ENGINE | KEEPER, 2, PROT_EXEC, 0 },
	{ "mprotect", ENGINE | KEEPER, 2, PROT_EXEC, 0 },
	{ "mmap", RESOLVER, -1, 0, 0 },
	{ "mprotect", RESOLVER, -1, 0, 0 },
	{ "mremap", ALL, -1, 0, 0 },
	{ "munmap", ALL, -1, 0, 0 },
	{ "madvise", ALL, -1, 0, 0 },
	/* libev: waiting, timers, letters between threads */
	{ "epoll_wait", ALL, -1, 0, 0 },
	{ "epoll_pwait", ALL, -1, 0, 0 },
	{ "epoll_ctl", ALL, -1, 0, 0 },
	/* libev, when a socket that we closed lives on: the monitor's copy */
	{ "epoll_create1", ALL, -1, 0, 0 },
	{ "poll", ALL, -1, 0, 0 },
	{ "ppoll", ALL, -1, 0, 0 },
	{ "clock_gettime", ALL, -1, 0, 0 },
	{ "clock_nanosleep", ALL, -1, 0, 0 },
	{ "gettimeofday", ALL, -1, 0, 0 },
	{ "time", ALL, -1, 0, 0 },
	{ "timerfd_settime", ALL, -1, 0, 0 },
	{ "eventfd2", ALL, -1, 0, 0 }, /* the first ev_async of a loop */
	{ "timerfd_create", ALL, -1, 0, 0 }, /* the same for timers */
	/* descriptors that are there: device queues, sockets, channels, log */
	{ "read", ALL, -1, 0, 0 },
	{ "readv", ALL, -1, 0, 0 },
	{ "write", ALL, -1, 0, 0 },
	{ "writev", ALL, -1, 0, 0 },
	{ "sendmsg", ALL, -1, 0, 0 },
	{ "recvmsg", ALL, -1, 0, 0 },
	{ "sendto", ALL, -1, 0, 0 },
	{ "recvfrom", ALL, -1, 0, 0 },
	{ "sendmmsg", ENGINE | RESOLVER, -1, 0, 0 }, /* glibc asks A and AAAA */
	{ "recvmmsg", ENGINE, -1, 0, 0 },
	{ "accept4", ENGINE, -1, 0, 0 },
	{ "getsockopt", ENGINE | RESOLVER, 1, 0, 1 /* SOL_SOCKET */ },
	{ "getsockopt", ENGINE, 1, 0, 6 /* IPPROTO_TCP: TCP_INFO */ },
	{ "shutdown", ALL, -1, 0, 0 },
	{ "close", ALL, -1, 0, 0 },
	/* channels set their descriptors non-blocking, or pass copies */
	{ "fcntl", ALL, 1, 0, F_DUPFD_CLOEXEC },
	{ "fcntl", ALL, 1, 0, F_GETFL },
	{ "fcntl", ALL, 1, 0, F_SETFL },
	{ "fcntl", ALL, 1, 0, F_SETFD },
	/* threads that are there */
	{ "futex", ALL, -1, 0, 0 },
	{ "sched_yield", ALL, -1, 0, 0 },
	/* how many processors, how much memory: what else heap.h forgot */
	{ "sched_getaffinity", ALL, -1, 0, 0 },
	{ "sysinfo", ALL, -1, 0, 0 },
	{ "membarrier", ALL, -1, 0, 0 },
	{ "rseq", ALL, -1, 0, 0 },
	{ "set_robust_list", ALL, -1, 0, 0 },
	{ "restart_syscall", ALL, -1, 0, 0 },
	{ "rt_sigprocmask", ALL, -1, 0, 0 },
	{ "rt_sigreturn", ALL, -1, 0, 0 },
	{ "rt_sigaction", ALL, -1, 0, 0 }, /* libev, at a loop's end */
	{ "sigaltstack", ALL, -1, 0, 0 },
	{ "gettid", ALL, -1, 0, 0 }, /* abort(), and the log */
	{ "getpid", ALL, -1, 0, 0 },
	{ "tgkill", ALL, -1, 0, 0 }, /* abort(): no pid but ours fits (Landlock) */
	{ "exit", ALL, -1, 0, 0 },
	{ "exit_group", ALL, -1, 0, 0 },
	/* randomness, of GnuTLS and ours */
	{ "getrandom", ALL, -1, 0, 0 },
	/* keeper: the files below its directory; Landlock says which */
	{ "openat", KEEPER | RESOLVER, -1, 0, 0 },
	{ "newfstatat", KEEPER | RESOLVER, -1, 0, 0 },
	{ "fstat", ALL, -1, 0, 0 },
	{ "lseek", ALL, -1, 0, 0 },
	{ "geteuid", KEEPER | RESOLVER, -1, 0, 0 },
	{ "getegid", KEEPER, -1, 0, 0 },
	{ "readlink", KEEPER, -1, 0, 0 },
	{ "readlinkat", KEEPER, -1, 0, 0 },
	/* keeper: a pair that was proven is kept */
	{ "unlinkat", KEEPER, -1, 0, 0 },
	{ "renameat", KEEPER, -1, 0, 0 },
	{ "renameat2", KEEPER, -1, 0, 0 },
	{ "fsync", KEEPER, -1, 0, 0 },
	/* resolver: DNS, and what the C library reads for it */
	{ "socket", RESOLVER, -1, 0, 0 },
	{ "connect", RESOLVER, -1, 0, 0 },
	{ "bind", RESOLVER, -1, 0, 0 },
	{ "getsockname", RESOLVER, -1, 0, 0 },
	{ "getpeername", RESOLVER, -1, 0, 0 },
	{ "setsockopt", RESOLVER, -1, 0, 0 },
	{ "open", RESOLVER, -1, 0, 0 },
	{ "stat", RESOLVER, -1, 0, 0 },
	{ "access", RESOLVER, -1, 0, 0 },
	{ "faccessat", RESOLVER, -1, 0, 0 },
	{ "faccessat2", RESOLVER, -1, 0, 0 },
	{ "pread64", RESOLVER, -1, 0, 0 },
	{ "ioctl", RESOLVER, 1, 0, 0x541b /* FIONREAD: res_send() */ },
	{ "uname", RESOLVER, -1, 0, 0 },
	{ "getuid", RESOLVER, -1, 0, 0 },
	/* the same: modules of /etc/nsswitch.conf, and the libraries of those */
	{ "fcntl", RESOLVER, 1, 0, F_GETFD },
	{ "pselect6", RESOLVER, -1, 0, 0 },
	{ "prlimit64", RESOLVER, 2, 0, 0 /* NULL: it asks */ },
	{ "prctl", RESOLVER, 0, 0, PR_CAPBSET_READ },
};

static uint32_t verdict(enum proc_role role);
static unsigned bit_of(enum proc_role role);
static int	add_call(scmp_filter_ctx filter, const struct call *call);

void
sandbox_calls(enum proc_role role)
{
	scmp_filter_ctx filter;
	int		r;

	forbid_processes(role);
	filter = seccomp_init(verdict(role));
	if (filter == NULL)
		fatalx("seccomp: out of memory");
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; i < nitems(calls) && r == 0; i++) {
		if ((calls[i].roles & bit_of(role)) != 0)
			r = add_call(filter, &calls[i]);
	}
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	if (r == -EINVAL || r == -ENOSYS || r == -EOPNOTSUPP) {
		log_warnx("this kernel has no seccomp: no list of system calls");
		return;
	}
	if (r < 0)
		fatalx("seccomp: %s", strerror(-r));
}

bool
sandbox_has_seccomp(void)
{
	return true;
}

/*
 * What becomes of any other call.  The resolver loads code that is not ours, and
 * goes on without what it cannot have; it holds nothing that a refused call
 * could be a second try for.
 */
static uint32_t
verdict(enum proc_role role)
{
	if (role == PROC_RESOLVER)
		return SCMP_ACT_ERRNO(ENOSYS);
#ifdef SANDBOX_TRAP
	return SCMP_ACT_TRAP;
#else
	return SCMP_ACT_KILL_PROCESS;
#endif
}

static unsigned
bit_of(enum proc_role role)
{
	switch (role) {
	case PROC_ENGINE:
		return ENGINE;
	case PROC_KEEPER:
		return KEEPER;
	case PROC_RESOLVER:
		return RESOLVER;
	default:
		return 0;
	}
}

/* A resolver's libraries are loaded when they are needed. */
static int
add_call(scmp_filter_ctx filter, const struct call *call)
{
	int number = seccomp_syscall_resolve_name(call->name), r;

	if (number == __NR_SCMP_ERROR)
		return 0;
	if (call->argument == -1)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	else
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
		    SCMP_CMP((unsigned)call->argument,
			call->mask != 0 ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ,
			call->mask != 0 ? call->mask : call->value,
			call->value));
	/* One that this architecture lacks. */
	return r == -EDOM || r == -EFAULT ? 0 : r;
}

#else /* no list */

void
sandbox_calls(enum proc_role role)
{
	forbid_processes(role);
}

bool
sandbox_has_seccomp(void)
{
	return false;
}

#endif

void
sandbox_files(enum proc_role role, int read_fd, int write_fd)
{
	static const char *const resolver_reads[] = { "/etc", "/lib", "/lib64",
		"/usr/lib", "/usr/lib64", "/usr/share", "/run/systemd/resolve",
		NULL };
	int r = 0;

#ifdef SANDBOX_TRAP
	name_callers();
#endif
	lock_memory(role);
#ifndef WITH_SANITIZER
	r = landlock_restrict(read_fd, write_fd,
	    role == PROC_RESOLVER ? resolver_reads : NULL,
	    role != PROC_RESOLVER);
#else
	(void)read_fd;
	(void)write_fd;
	(void)resolver_reads;
#endif
	/* Once is enough, by the one that loses most. */
	if ((r == -ENOSYS || r == -EOPNOTSUPP) && role == PROC_KEEPER)
		log_warnx("this kernel has no Landlock: only their users' "
		    "rights keep the daemon's processes from files");
	else if (r == -ENOSYS || r == -EOPNOTSUPP)
		log_debug("this kernel has no Landlock");
	else if (r < 0)
		fatalx("Landlock: %s", strerror(-r));
}

int
sandbox_landlock_abi(void)
{
	return landlock_abi();
}

void
sandbox_raise_limits(enum proc_role role)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	/* Without the right to, lock_memory() says what comes of it. */
	if (role == PROC_ENGINE || role == PROC_KEEPER)
		(void)setrlimit(RLIMIT_MEMLOCK, &all);
}

#ifdef SANDBOX_TRAP

/* backtrace() loads a library the first time. */
static void
name_callers(void)
{
	struct sigaction action = { .sa_sigaction = on_violation,
		.sa_flags = SA_SIGINFO };
	void *frame;

	(void)backtrace(&frame, 1);
	if (sigaction(SIGSYS, &action, NULL) == -1)
		fatal("SIGSYS");
}

/* As killed, but with a word before. */
static void
on_violation(int sig, siginfo_t *info, void *context)
{
	void *frames[64];
	int   n = backtrace(frames, (int)nitems(frames));

	(void)context;
	log_warnx("system call %d is not in the list; called by",
	    info->si_syscall);
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
	signal(sig, SIG_DFL);
	raise(sig);
}

#endif

/* Keys lie all over the heap, GnuTLS's too: so all of it, as it is touched. */
static void
lock_memory(enum proc_role role)
{
#ifndef WITH_SANITIZER
	struct rlimit limit;

	if (role != PROC_ENGINE && role != PROC_KEEPER)
		return;
	/* With a limit, an allocation beyond it would fail later. */
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == -1 ||
	    limit.rlim_cur != RLIM_INFINITY ||
	    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -1)
		log_info("secrets may be swapped out: no memory can be locked "
			 "(RLIMIT_MEMLOCK)");
#else
	(void)role;
#endif
}

static void
forbid_processes(enum proc_role role)
{
	struct rlimit none = { 0, 0 };

#ifdef WITH_SANITIZER
	return;
#endif
	/* getaddrinfo() may start a thread of its own. */
	if (role != PROC_RESOLVER && setrlimit(RLIMIT_NPROC, &none) == -1)
		fatal("cannot forbid new processes");
}
