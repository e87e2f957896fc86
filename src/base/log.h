/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log: writes log lines to stderr, in all processes alike.
 *
 * The monitor decides where stderr goes: to the terminal or the journal in the
 * foreground, or through a pipe to syslog.  So confined processes need no
 * socket and no file for it.  Every line is escaped here, so that text from a
 * peer can neither forge a line nor control a terminal.
 *
 * log_warn() and fatal() append strerror(errno), log_warnx() and fatalx() do
 * not. fatal() is for cmd/ and the start of a process only.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_PRINTF __attribute__((__format__(printf, 1, 2)))

/*
 * Sets the prefix of each line ("engine"; NULL for commands: none), and the
 * lowest severity that is logged.  `name` must stay valid.
 */
void log_init(const char *name, enum log_level level);
void log_set_level(enum log_level level);

void log_warn(const char *fmt, ...) LOG_PRINTF;
void log_warnx(const char *fmt, ...) LOG_PRINTF;
void log_info(const char *fmt, ...) LOG_PRINTF;
void log_debug(const char *fmt, ...) LOG_PRINTF;
/* Logs "WHAT: " and what the negative errno value `r` means; returns false. */
bool log_failed(const char *what, int r);
void fatal(const char *fmt, ...) LOG_PRINTF __attribute__((__noreturn__));
void fatalx(const char *fmt, ...) LOG_PRINTF __attribute__((__noreturn__));

/*
 * A limit for lines that an unknown client can cause: at most `burst` in a
 * `window`. Zeroed storage is a fresh limit.
 */
struct log_limit {
	int64_t	 window_start_us;
	uint64_t suppressed;
	unsigned shown;
};

/*
 * Whether one more line may be logged now (microseconds of any steady clock):
 * 10 in 10 seconds.  In the first line of a new window, `*suppressed` is the
 * number of lines that were suppressed before, otherwise 0; it may be NULL.
 */
bool log_limit_allow(struct log_limit *limit, int64_t now_us,
    uint64_t *suppressed);

/*
 * Copies `len` bytes of `src` into `dst` as printable ASCII, other bytes as
 * \xNN; always terminated, cut to `size`.  Returns dst.
 */
char *log_escape(char *dst, size_t size, const char *src, size_t len);

#endif /* LOG_H */
