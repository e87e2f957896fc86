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
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bsd/string.h>

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
 * architecture to the next, and one that an architecture lacks is left out.  With
 * each goes what the C library calls instead where words have 32 bits (twins).
 */
static const struct {
	unsigned    roles;
	const char *names;
} calls[] = {
	/* memory */
	{ ALL, "brk mremap munmap madvise" },
	/* the resolver's late libraries are executed */
	{ RESOLVER, "mmap mmap2 mprotect" },
	/* libev: waiting, timers, letters between threads */
	{ ALL, "epoll_wait epoll_pwait epoll_ctl poll ppoll" },
	{ ALL, "clock_gettime clock_nanosleep gettimeofday time" },
	/* libev, when a socket that we closed lives on: the monitor's copy */
	{ ALL, "epoll_create1" },
	/* the first ev_async and the first timer of a loop */
	{ ALL, "eventfd2 timerfd_create timerfd_settime" },
	/* descriptors that are there: device queues, sockets, channels, log */
	{ ALL, "read readv write writev sendmsg recvmsg sendto recvfrom" },
	{ ALL, "send recv shutdown close" },
	{ ENGINE, "recvmmsg accept4" },
	{ ENGINE | RESOLVER, "sendmmsg" }, /* glibc asks A and AAAA */
	/* threads that are there */
	{ ALL, "futex sched_yield membarrier rseq set_robust_list" },
	/* how many processors, how much memory: what else heap_warmup.h forgot */
	{ ALL, "sched_getaffinity sysinfo" },
	{ ALL, "restart_syscall rt_sigprocmask rt_sigreturn sigaltstack" },
	{ ALL, "sigreturn" }, /* where a handler has no SA_SIGINFO, on i386 */
	{ ALL, "rt_sigaction" }, /* libev, at a loop's end */
	/* abort(), and the log; no pid but ours fits (Landlock) */
	{ ALL, "gettid getpid tgkill" },
	{ ALL, "exit exit_group" },
	/* randomness, of GnuTLS and ours */
	{ ALL, "getrandom" },
	/* keeper: the files below its directory; Landlock says which */
	{ ALL, "fstat lseek _llseek" },
	{ KEEPER | RESOLVER, "openat newfstatat fstatat64 geteuid" },
	{ KEEPER, "getegid readlink readlinkat" },
	/* keeper: a pair that was proven is kept */
	{ KEEPER, "unlinkat renameat renameat2 fsync" },
	/* resolver: DNS, and what the C library reads for it */
	{ RESOLVER, "socket connect bind getsockname getpeername setsockopt" },
	{ RESOLVER, "open stat access faccessat faccessat2 pread64" },
	{ RESOLVER, "uname getuid" },
	/* the same: modules of /etc/nsswitch.conf, and the libraries of those */
	{ RESOLVER, "pselect6" },
};

/* Those that may be called with one value of an argument only. */
static const struct call {
	const char *name;
	unsigned    roles;
	unsigned    argument;
	unsigned    mask; /* of it; 0: the argument must be `value` itself */
	unsigned    value;
} calls_with[] = {
	/* never to be executed */
	{ "mmap", ENGINE | KEEPER, 2, PROT_EXEC, 0 },
	{ "mmap2", ENGINE | KEEPER, 2, PROT_EXEC, 0 },
	{ "mprotect", ENGINE | KEEPER, 2, PROT_EXEC, 0 },
	{ "getsockopt", ENGINE | RESOLVER, 1, 0, 1 /* SOL_SOCKET */ },
	{ "getsockopt", ENGINE, 1, 0, 6 /* IPPROTO_TCP: TCP_INFO */ },
	/* channels set their descriptors non-blocking, or pass copies */
	{ "fcntl", ALL, 1, 0, F_DUPFD_CLOEXEC },
	{ "fcntl", ALL, 1, 0, F_GETFL },
	{ "fcntl", ALL, 1, 0, F_SETFL },
	{ "fcntl", ALL, 1, 0, F_SETFD },
	{ "ioctl", RESOLVER, 1, 0, 0x541b /* FIONREAD: res_send() */ },
	/* modules of /etc/nsswitch.conf, and the libraries of those */
	{ "fcntl", RESOLVER, 1, 0, F_GETFD },
	{ "prlimit64", RESOLVER, 2, 0, 0 /* NULL: it asks */ },
	{ "prctl", RESOLVER, 0, 0, PR_CAPBSET_READ },
};

static uint32_t verdict(enum proc_role role);
static unsigned bit_of(enum proc_role role);
static int	fill(scmp_filter_ctx filter, enum proc_role role, uint32_t arch);
static int	allow(scmp_filter_ctx filter, const char *names);
static int	allow_with(scmp_filter_ctx filter, const struct call *call);
static int	add_rule(scmp_filter_ctx filter, const char *name, unsigned n,
	const struct scmp_arg_cmp *arguments);

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
	if (r == 0)
		r = fill(filter, role, seccomp_arch_native());
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

/*
 * With words of 32 bits glibc's fstat() is statx().  Nowhere else: that takes a
 * path, and Landlock lets an engine ask about each file that its user may reach.
 */
static int
fill(scmp_filter_ctx filter, enum proc_role role, uint32_t arch)
{
	int r = (arch & __AUDIT_ARCH_64BIT) == 0 ? allow(filter, "statx") : 0;

	for (size_t i = 0; i < nitems(calls) && r == 0; i++) {
		if ((calls[i].roles & bit_of(role)) != 0)
			r = allow(filter, calls[i].names);
	}
	for (size_t i = 0; i < nitems(calls_with) && r == 0; i++) {
		if ((calls_with[i].roles & bit_of(role)) != 0)
			r = allow_with(filter, &calls_with[i]);
	}
	return r;
}

static int
allow(scmp_filter_ctx filter, const char *names)
{
	char  copy[128], *rest = copy, *name;
	int   r = 0;

	strlcpy(copy, names, sizeof(copy));
	while (r == 0 && (name = strsep(&rest, " ")) != NULL)
		r = add_rule(filter, name, 0, NULL);
	return r;
}

static int
allow_with(scmp_filter_ctx filter, const struct call *call)
{
	struct scmp_arg_cmp argument = SCMP_CMP(call->argument,
	    call->mask != 0 ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ,
	    call->mask != 0 ? call->mask : call->value, call->value);

	return add_rule(filter, call->name, 1, &argument);
}

/* Its twins, too: futex_time64, clock_gettime64, geteuid32. */
static int
add_rule(scmp_filter_ctx filter, const char *name, unsigned n,
    const struct scmp_arg_cmp *arguments)
{
	static const char *const twins[] = { "", "_time64", "64", "32" };
	int r = 0;

	for (size_t i = 0; i < nitems(twins) && r == 0; i++) {
		char twin[64];
		int  number;

		snprintf(twin, sizeof(twin), "%s%s", name, twins[i]);
		number = seccomp_syscall_resolve_name(twin);
		if (number != __NR_SCMP_ERROR)
			r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
			    number, n, arguments);
		/* Another architecture's. */
		if (r == -EDOM || r == -EFAULT)
			r = 0;
	}
	return r;
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
		log_info("secrets may be swapped out: memory cannot be locked "
			 "(RLIMIT_MEMLOCK)");
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
