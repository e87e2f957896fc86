/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_report: what `check` found, a line each on stderr, and how grave it is.
 */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

struct check_report {
	unsigned errors;   /* run would fail, or nobody could log in */
	unsigned warnings; /* run would do less than is configured */
};

/* A line about one of either; `count` is errors or warnings. */
void check_report(unsigned *count, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

#endif /* CHECK_REPORT_H */
