/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/state/totals_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "monitor/state/state_dir.h"
#include "proc/request.h"

#define EVERY_SEC    60.
#define COMPLAINT_US (24 * 3600 * MONO_SEC)

static int  make_memory(void);
static void load(struct totals_file *file);
static void on_due(struct ev_loop *loop, struct ev_timer *timer, int what);
static void save(struct totals_file *file);
static char *copy(int fd, size_t *len);

bool
totals_file_open(struct totals_file *file, struct ev_loop *loop,
    const char *dir)
{
	*file = (struct totals_file) { .fd = make_memory(), .loop = loop,
		.path = file_join(dir, STATE_DIR_TOTALS) };
	ev_timer_init(&file->timer, on_due, EVERY_SEC, EVERY_SEC);
	file->timer.data = file;
	if (file->fd == -1 || file->path == NULL) {
		log_warn("cannot create memory for the sites' totals");
		return false;
	}
	load(file);
	ev_timer_start(loop, &file->timer);
	return true;
}

void
totals_file_close(struct totals_file *file)
{
	if (file->fd == -1)
		return;
	if (file->path != NULL)
		save(file);
	ev_timer_stop(file->loop, &file->timer);
	close(file->fd);
	free(file->path);
	free(file->saved);
	*file = (struct totals_file) { .fd = -1 };
}

/* Its size is fixed, so that no engine can harm the next one. */
static int
make_memory(void)
{
	int fd = memfd_create("totals", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1 || (ftruncate(fd, REQUEST_TOTALS_SIZE) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
		F_SEAL_SEAL) == 0))
		return fd;
	close(fd);
	return -1;
}

static void
load(struct totals_file *file)
{
	int r = file_read(file->path, REQUEST_TOTALS_SIZE, &file->saved,
	    &file->len);

	if (r == 0 && pwrite(file->fd, file->saved, file->len, 0) !=
	    (ssize_t)file->len)
		r = -EIO;
	if (r < 0 && r != -ENOENT)
		log_warnx("%s: cannot be read: %s; the sites' totals begin with "
			  "zero", file->path, strerror(-r));
}

static void
on_due(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	save(timer->data);
}

/* Logged once a day on a full disk: only the totals are lost. */
static void
save(struct totals_file *file)
{
	size_t len = 0;
	char  *now = copy(file->fd, &len);
	int    r = now != NULL ? 0 : -ENOMEM;

	if (r == 0 && len == file->len &&
	    (len == 0 || memcmp(now, file->saved, len) == 0)) {
		free(now);
		return;
	}
	if (r == 0)
		r = file_write(file->path, now, len, 0600, (uid_t)-1,
		    (gid_t)-1);
	if (r == 0) {
		free(file->saved);
		file->saved = now;
		file->len = len;
		return;
	}
	free(now);
	if (bucket_take(&file->complaints, 1, COMPLAINT_US, mono_now()))
		log_warnx("%s: cannot be written: %s; a restart forgets the "
			  "sites' totals since the last time", file->path,
		    strerror(-r));
}

/*
 * Read, not mapped: an engine may change it at any time.  NULL: out of memory.
 */
static char *
copy(int fd, size_t *len)
{
	char   *bytes = malloc(REQUEST_TOTALS_SIZE), *fitting;
	ssize_t n = bytes != NULL ? pread(fd, bytes, REQUEST_TOTALS_SIZE, 0) : 0;

	while (n > 0 && bytes[n - 1] == '\0')
		n--;
	*len = n > 0 ? (size_t)n : 0;
	fitting = bytes != NULL ? realloc(bytes, *len + 1) : NULL;
	return fitting != NULL ? fitting : bytes;
}
