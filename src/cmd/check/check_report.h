/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_report: what `check` checks, and the number of its complaints. */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

#include "conf/conf.h"

struct check_report {
	const struct conf *conf;
	unsigned errors;   /* run would fail, or nobody could log in */
	unsigned warnings; /* run would work, but not as configured */
};

/* Prints one line on stderr. */
void check_report(unsigned *count, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));
#define check_error(report, ...)   check_report(&(report)->errors, __VA_ARGS__)
#define check_warning(report, ...) check_report(&(report)->warnings, __VA_ARGS__)

#endif /* CHECK_REPORT_H */
