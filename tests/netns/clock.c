/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock: the clocks of a host, as a test wants them; for LD_PRELOAD.
 *
 * Two numbers of 64 bits in the file $TOMBOLO_CLOCK, seconds: how far the wall
 * clock is off, and for how long the host was suspended, which the boot clock
 * counts and the monotonic one does not.  They may change at any time.  The
 * file is opened before main(), for a process may lose the right to.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t zero[2];
static const volatile int64_t *ahead = zero;
static int (*real)(clockid_t id, struct timespec *ts);

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("TOMBOLO_CLOCK");
	int	    fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void	   *at;

	if (fd == -1)
		return;
	at = mmap(NULL, sizeof(zero), PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		ahead = at;
	close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r;

	/* Other constructors may ask before ours was called. */
	if (real == NULL)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT,
		    "clock_gettime");
	r = real(id, ts);
	if (r == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += ahead[0];
	if (r == 0 && id == CLOCK_BOOTTIME)
		ts->tv_sec += ahead[1];
	return r;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval) { ts.tv_sec, ts.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
