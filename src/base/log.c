/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define LINE_MAX_LEN	1024
#define LIMIT_WINDOW_US (10 * INT64_C(1000000))
#define LIMIT_BURST	10

static const char	     *log_name;
static _Atomic enum log_level log_level = LOG_LEVEL_INFO;

static void emit(enum log_level level, int err, const char *fmt, va_list ap)
    __attribute__((__format__(printf, 3, 0)));

void
log_init(const char *name, enum log_level level)
{
	log_name = name;
	log_level = level;
}

void
log_set_level(enum log_level level)
{
	log_level = level;
}

#define LOG_BODY(level, err)                                                   \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		emit(level, err, fmt, ap);                                     \
		va_end(ap);                                                    \
	} while (0)

void
log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, errno);
}

void
log_warnx(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, 0);
}

bool
log_failed(const char *what, int r)
{
	log_warnx("%s: %s", what, strerror(-r));
	return false;
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_INFO, 0);
}

void
log_debug(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_DEBUG, 0);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR, errno);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR, 0);
	exit(1);
}

bool
log_limit_allow(struct log_limit *limit, int64_t now_us, uint64_t *suppressed)
{
	bool is_new = limit->shown == 0 ||
	    now_us - limit->window_start_us >= LIMIT_WINDOW_US;

	if (suppressed != NULL)
		*suppressed = is_new ? limit->suppressed : 0;
	if (is_new)
		*limit = (struct log_limit) { .window_start_us = now_us };
	if (limit->shown < LIMIT_BURST) {
		limit->shown++;
		return true;
	}
	limit->suppressed++;
	return false;
}

char *
log_escape(char *dst, size_t size, const char *src, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 5 <= size; i++) {
		unsigned char c = (unsigned char)src[i];

		if (c >= 0x20 && c < 0x7f)
			dst[n++] = (char)c;
		else
			n += (size_t)snprintf(dst + n, size - n, "\\x%02x", c);
	}
	if (size > 0)
		dst[n] = '\0';
	return dst;
}

/* One write(2) a line, so that lines of several processes do not mix. */
static void
emit(enum log_level level, int err, const char *fmt, va_list ap)
{
	char text[LINE_MAX_LEN / 2], clean[LINE_MAX_LEN], line[LINE_MAX_LEN + 64];
	int  n, saved = errno;

	if (level > log_level)
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	if (err != 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s",
		    strerror(err));
	log_escape(clean, sizeof(clean), text, strlen(text));
	n = snprintf(line, sizeof(line), "%s%s%s%s\n", "tombolo: ",
	    log_name != NULL ? log_name : "", log_name != NULL ? ": " : "",
	    clean);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) == -1) {
		/* Nowhere left to say so. */
	}
	errno = saved;
}
