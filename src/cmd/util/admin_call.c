/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/admin_call.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/json_safe.h"
#include "base/log.h"
#include "base/secret.h"
#include "engine/admin.h"

#define READ_SIZE 65536

static int  seconds_for(const json_t *request);
static int  connect_to(const char *path, int seconds);
static int  write_all(int fd, const char *data, size_t len);
static int  read_all(int fd, char **data, size_t *len);
static void say_why(const char *path, int error);

int
admin_call(const char *path, json_t *request, json_t **answer)
{
	int    seconds = seconds_for(request);
	size_t text_len, len = 0;
	char  *text = json_safe_print(request, JSON_COMPACT, "\n", &text_len);
	char  *data = NULL;
	int    r, fd;

	json_decref(request);
	*answer = NULL;
	if (text == NULL)
		return -ENOMEM;
	r = fd = connect_to(path, seconds);
	if (r >= 0)
		r = write_all(fd, text, text_len);
	if (r >= 0)
		r = read_all(fd, &data, &len);
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
	if (r == -EAGAIN)
		r = -ETIMEDOUT;
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

static int
seconds_for(const json_t *request)
{
	const char *command = json_string_value(
	    json_object_get(request, "command"));
	bool waits = command != NULL &&
	    (strcmp(command, "sync") == 0 || strcmp(command, "reload") == 0);

	return waits ? ADMIN_SYNC_SEC : ADMIN_TIME_SEC;
}

/* Limits every call on the socket; -EAGAIN then, as with a full backlog. */
static int
connect_to(const char *path, int seconds)
{
	struct sockaddr_un   sun = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = seconds };
	int		     fd, r = 0;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
		sizeof(limit)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == -1)
		r = -errno;
	while (r == 0 && connect(fd, (struct sockaddr *)&sun,
			     sizeof(sun)) == -1)
		r = errno == EINTR ? 0 : -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n == -1 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Reads until the daemon closes. */
static int
read_all(int fd, char **data, size_t *len)
{
	size_t	size = 0;
	ssize_t got;

	do {
		if (size - *len < READ_SIZE) {
			char *bigger = realloc(*data, size += size + READ_SIZE);

			if (bigger == NULL)
				return -ENOMEM;
			*data = bigger;
		}
		got = recv(fd, *data + *len, READ_SIZE, 0);
		if (got == -1 && errno != EINTR)
			return -errno;
		*len += got > 0 ? (size_t)got : 0;
		if (*len > ADMIN_CALL_MAX_ANSWER)
			return -EFBIG;
	} while (got != 0);
	return *len > 0 ? 0 : -ECONNRESET;
}
