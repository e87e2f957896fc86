/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/admin_call.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/json_safe.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/secret.h"
#include "engine/admin.h"

#define READ_SIZE 65536

static struct mono deadline_of(const json_t *request);
static int  connect_to(const char *path, struct mono deadline);
static int  write_all(int fd, const char *data, size_t len,
     struct mono deadline);
static int  read_all(int fd, char **data, size_t *len, struct mono deadline);
static int  wait_for(int fd, short events, struct mono deadline);
static void say_why(const char *path, int error);

int
admin_call(const char *path, json_t *request, json_t **answer)
{
	struct mono deadline = deadline_of(request);
	size_t text_len, len = 0;
	char  *text = json_safe_print(request, JSON_COMPACT, "\n", &text_len);
	char  *data = NULL;
	int    r, fd;

	json_decref(request);
	*answer = NULL;
	if (text == NULL)
		return -ENOMEM;
	r = fd = connect_to(path, deadline);
	if (r >= 0)
		r = write_all(fd, text, text_len, deadline);
	if (r >= 0)
		r = read_all(fd, &data, &len, deadline);
	if (r >= 0) {
		*answer = json_loadb(data, len, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(*answer)) {
			json_decref(*answer);
			*answer = NULL;
			r = -EBADMSG;
		}
	}
	if (fd >= 0)
		close(fd);
	free(data);
	secret_free(text, text_len + 1);
	return r < 0 ? r : 0;
}

json_t *
admin_call_or_say(const char *path, json_t *request)
{
	const char *error;
	json_t	   *answer;
	int	    r = admin_call(path, request, &answer);

	if (r < 0) {
		say_why(path, r);
		return NULL;
	}
	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	error = json_string_value(json_object_get(answer, "error"));
	log_warnx("the daemon refused: %s",
	    error != NULL ? error : "it did not say why");
	json_decref(answer);
	return NULL;
}

static void
say_why(const char *path, int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		log_warnx("no daemon answers at %s; start it with tombolo run",
		    path);
		break;
	case EACCES:
	case EPERM:
		log_warnx("%s: permission denied; be root, or join the group "
			  "of that socket",
		    path);
		break;
	case ETIMEDOUT:
		log_warnx("%s: the daemon did not answer in time", path);
		break;
	case EBADMSG:
		log_warnx("%s: the answer is not tombolo's; is this its socket?",
		    path);
		break;
	default:
		errno = -error;
		log_warn("%s", path);
	}
}

static struct mono
deadline_of(const json_t *request)
{
	const char *command = json_string_value(
	    json_object_get(request, "command"));
	bool waits = command != NULL &&
	    (strcmp(command, "sync") == 0 || strcmp(command, "reload") == 0);

	return mono_add(mono_now(),
	    (waits ? ADMIN_SYNC_SEC : ADMIN_TIME_SEC) * MONO_SEC);
}

static int
connect_to(const char *path, struct mono deadline)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int		   fd, r;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -errno;
	while (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		r = -errno;
		/* EAGAIN: its backlog is full, and poll(2) cannot wait for it. */
		if (r == -EAGAIN && !mono_is_due(deadline, mono_now()))
			poll(NULL, 0, 20);
		else if (r != -EINTR) {
			close(fd);
			return r == -EAGAIN ? -ETIMEDOUT : r;
		}
	}
	return fd;
}

static int
write_all(int fd, const char *data, size_t len, struct mono deadline)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		int	r;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if ((r = wait_for(fd, POLLOUT, deadline)) < 0)
			return r;
	}
	return 0;
}

/* Up to the end that the daemon makes by closing. */
static int
read_all(int fd, char **data, size_t *len, struct mono deadline)
{
	size_t size = 0, n = 0;
	char  *buf = NULL;
	int    r;

	for (;;) {
		ssize_t got;

		if (size - n < READ_SIZE) {
			char *bigger = realloc(buf, size = 2 * size + READ_SIZE);

			if (bigger == NULL) {
				r = -ENOMEM;
				break;
			}
			buf = bigger;
		}
		got = recv(fd, buf + n, READ_SIZE, 0);
		if (got == 0 && n == 0) {
			r = -ECONNRESET;
			break;
		}
		if (got == 0) {
			*data = buf;
			*len = n;
			return 0;
		}
		if (got > 0) {
			n += (size_t)got;
			if (n <= ADMIN_CALL_MAX_ANSWER)
				continue;
			r = -EFBIG;
			break;
		}
		if (errno != EAGAIN && errno != EINTR) {
			r = -errno;
			break;
		}
		if ((r = wait_for(fd, POLLIN, deadline)) < 0)
			break;
	}
	free(buf);
	return r;
}

static int
wait_for(int fd, short events, struct mono deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t	      left = mono_sub(deadline, mono_now());
	int	      n;

	if (left <= 0)
		return -ETIMEDOUT;
	n = poll(&pfd, 1, (int)(left / MONO_MS) + 1);
	if (n == -1 && errno != EINTR)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}
