/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/check_report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

static void say(const char *fmt, va_list ap);

void
check_report_error(struct check_report *report, const char *fmt, ...)
{
	va_list ap;

	report->errors++;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
check_report_warning(struct check_report *report, const char *fmt, ...)
{
	va_list ap;

	report->warnings++;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

static void
say(const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	log_warnx("%s", text);
}
