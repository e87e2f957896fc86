/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/check/check_report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void
check_report(unsigned *count, const char *fmt, ...)
{
	char	text[1024];
	va_list ap;

	++*count;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("%s", text);
}
