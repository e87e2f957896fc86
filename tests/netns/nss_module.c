/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nss_module: libnss_t.so.2, a module for /etc/nsswitch.conf as others have
 * written them: its constructor and its lookup make calls that no resolver
 * needs, and go on without what they do not get.  It knows vpn.example.org.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum nss_status _nss_t_gethostbyname4_r(const char *name,
    struct gaih_addrtuple **found, char *buffer, size_t size, int *error,
    int *h_error, int32_t *ttl);

static void *
nothing(void *arg)
{
	return arg;
}

static void
ask_for_much(void)
{
	struct rlimit	limit;
	struct timespec soon = { 0, 1 };
	struct statx	stx;
	struct utsname	host;
	pthread_t	thread;
	gid_t		groups[8];
	sigset_t	none;

	sigemptyset(&none);
	/* libcap, libavahi-client, libsystemd, Samba's */
	(void)prctl(PR_CAPBSET_READ, 0);
	(void)fcntl(0, F_GETFD);
	(void)geteuid();
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)pselect(0, NULL, NULL, NULL, &soon, NULL);
	(void)prctl(PR_SET_NAME, "module");
	(void)prctl(PR_GET_SECCOMP);
	(void)getppid();
	(void)getgroups(8, groups);
	(void)getpriority(PRIO_PROCESS, 0);
	(void)personality(0xffffffff);
	(void)uname(&host);
	(void)statx(AT_FDCWD, "/etc/hosts", 0, STATX_BASIC_STATS, &stx);
	(void)memfd_create("module", MFD_CLOEXEC);
	(void)inotify_init1(IN_CLOEXEC);
	(void)signalfd(-1, &none, SFD_CLOEXEC);
	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]) { 0 });
	(void)!pipe((int[2]) { 0 });
	(void)umask(022);
	(void)waitpid(-1, NULL, WNOHANG);
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

__attribute__((__constructor__)) static void
on_load(void)
{
	ask_for_much();
}

enum nss_status
_nss_t_gethostbyname4_r(const char *name, struct gaih_addrtuple **found,
    char *buffer, size_t size, int *error, int *h_error, int32_t *ttl)
{
	struct gaih_addrtuple *tuple = (struct gaih_addrtuple *)buffer;

	ask_for_much();
	if (strcmp(name, "vpn.example.org") != 0 ||
	    size < sizeof(*tuple) + strlen(name) + 1) {
		*error = ENOENT;
		*h_error = HOST_NOT_FOUND;
		return NSS_STATUS_NOTFOUND;
	}
	if (*found != NULL)
		tuple = *found;
	else
		*found = tuple;
	*tuple = (struct gaih_addrtuple) { .family = AF_INET,
		.name = strcpy(buffer + sizeof(*tuple), name) };
	inet_pton(AF_INET, "198.18.0.1", tuple->addr);
	return NSS_STATUS_SUCCESS;
}
