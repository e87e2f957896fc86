/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "monitor/state/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/base16.h>
#include <nettle/sha2.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "monitor/state/keeper_dir.h"

#define ID_LEN	  16 /* bytes */
#define ID_DIGITS BASE16_ENCODE_LENGTH(ID_LEN)

static char *state_root(void);
static bool find_id(const char *dir, char id[STATE_DIR_ID_SIZE], bool make);
static int  read_id(const char *path, char id[STATE_DIR_ID_SIZE]);
static void print_id(const uint8_t bytes[ID_LEN], char id[STATE_DIR_ID_SIZE]);
static int  open_locked(struct state_dir *state);
static void sweep(int dirfd);

void
state_dir_make_id(char id[STATE_DIR_ID_SIZE])
{
	uint8_t bytes[ID_LEN];

	secret_random(bytes, sizeof(bytes));
	print_id(bytes, id);
}

char *
state_dir_file(const char *dir, const char *name)
{
	char  id[STATE_DIR_ID_SIZE] = "", *file = NULL;
	char *root = state_root(), *path = file_join(dir, STATE_DIR_ID_FILE);

	if (root == NULL || path == NULL || read_id(path, id) < 0 ||
	    asprintf(&file, "%s/%.*s/%s", root, ID_DIGITS, id, name) == -1)
		file = NULL;
	free(path);
	free(root);
	return file;
}

bool
state_dir_may_open(const char *dir)
{
	char id[STATE_DIR_ID_SIZE];

	return find_id(dir, id, false);
}

bool
state_dir_open(struct state_dir *state, const struct conf *conf)
{
	char  id[STATE_DIR_ID_SIZE], *root;
	int   r;

	if (!find_id(conf->dir, id, true))
		return false;
	id[ID_DIGITS] = '\0';
	root = state_root();
	if (root != NULL && mkdir(root, 0755) == -1 && errno != EEXIST)
		log_warn("%s", root);
	state->path = root != NULL ? file_join(root, id) : NULL;
	free(root);
	r = open_locked(state);
	if (r == 0)
		return true;
	log_warnx("%s: cannot be used: %s; state is kept in /run until the "
		  "next boot: sites log in again then",
	    state->path != NULL ? state->path : "state directory",
	    r == -EWOULDBLOCK ? "another daemon runs with the same file id: "
		"one of the two configurations is a copy; remove that file "
		"from it" : strerror(-r));
	state_dir_close(state);
	if (asprintf(&state->path, "%s.%s.state", conf->socket, id) == -1)
		state->path = NULL;
	r = open_locked(state);
	if (r < 0)
		log_warnx("%s.%s.state: cannot be created: %s",
		    conf->socket, id,
		    strerror(-r));
	return r == 0;
}

void
state_dir_close(struct state_dir *state)
{
	if (state->fd != -1)
		close(state->fd);
	free(state->path);
	*state = (struct state_dir) { .fd = -1 };
}

int
state_dir_open_keeper(const struct state_dir *state,
    const struct proc_user *user)
{
	char *path = file_join(state->path, CONF_KEEPER_DIR);
	int   r = -ENOMEM;

	if (path != NULL) {
		(void)mkdir(path, 0700);
		r = keeper_dir_open(path, user);
	}
	free(path);
	return r;
}

/* $STATE_DIRECTORY or /var/lib/tombolo; the caller frees. */
static char *
state_root(void)
{
	const char *root = getenv("STATE_DIRECTORY"); /* a list */

	if (root == NULL || root[0] != '/')
		root = STATE_DIR;
	return strndup(root, strcspn(root, ":"));
}

/* It becomes a directory's name: only digits. */
static bool
find_id(const char *dir, char id[STATE_DIR_ID_SIZE], bool make)
{
	struct sha256_ctx ctx;
	uint8_t		  digest[ID_LEN];
	char  *path = file_join(dir, STATE_DIR_ID_FILE);
	int    r = path != NULL ? read_id(path, id) : -ENOMEM;

	if (r == -ENOENT && make) {
		sha256_init(&ctx);
		sha256_update(&ctx, strlen(dir), (const uint8_t *)dir);
		sha256_digest(&ctx, sizeof(digest), digest);
		print_id(digest, id);
		(void)file_create(path, id, strlen(id), 0644, (uid_t)-1,
		    (gid_t)-1);
		r = 0;
	} else if (r < 0 && r != -ENOENT) {
		log_warnx("%s: %s; remove it, and a new one is created",
		    path != NULL ? path : STATE_DIR_ID_FILE,
		    r != -EBADMSG && r != -EFBIG ? strerror(-r) :
						   "expected 32 hexadecimal digits");
	}
	free(path);
	return r == 0 || (r == -ENOENT && !make);
}

static int
read_id(const char *path, char id[STATE_DIR_ID_SIZE])
{
	char  *text;
	size_t len;
	int    r = file_read(path, 64, &text, &len);

	if (r < 0)
		return r;
	if (strspn(text, "0123456789abcdef") == ID_DIGITS &&
	    strspn(text + ID_DIGITS, " \r\n") == len - ID_DIGITS)
		memcpy(id, text, ID_DIGITS);
	else
		r = -EBADMSG;
	free(text);
	return r;
}

static void
print_id(const uint8_t bytes[ID_LEN], char id[STATE_DIR_ID_SIZE])
{
	base16_encode_update(id, ID_LEN, bytes);
	memcpy(id + ID_DIGITS, "\n", 2);
}

/* The lock ends with the descriptor, and so with the process. */
static int
open_locked(struct state_dir *state)
{
	if (state->path == NULL)
		return -ENOMEM;
	if (mkdir(state->path, 0700) == -1 && errno != EEXIST)
		return -errno;
	state->fd = open(state->path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (state->fd == -1 || flock(state->fd, LOCK_EX | LOCK_NB) == -1 ||
	    access(state->path, W_OK) == -1)
		return -errno;
	sweep(state->fd);
	return 0;
}

/* What a daemon was writing when it was killed (file_write()). */
static void
sweep(int dirfd)
{
	/* A descriptor of its own: fdopendir(3) would take ours. */
	int	       fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR	      *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		const char *end = strrchr(entry->d_name, '.');

		if (end != NULL && strcmp(end, ".tmp") == 0)
			(void)unlinkat(dirfd, entry->d_name, 0);
	}
	closedir(dir);
}
