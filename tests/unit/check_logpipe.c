/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flood of lines, of a site that reconnects all the time say, is cut to so
 * many a second, and what was cut is counted.
 */
#include "monitor/logpipe.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mono.h"
#include "unit.h"

#define LINES	20000
#define PER_SEC 500

/* Reads the terminal's side to its end. */
static void
count(int fd, unsigned *shown, unsigned *suppressed)
{
	FILE	*in = fdopen(fd, "r");
	char	 line[256];
	unsigned n;

	ck_assert_ptr_nonnull(in);
	*shown = *suppressed = 0;
	while (fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "tombolo: %u messages suppressed", &n) == 1)
			*suppressed += n;
		else
			++*shown;
	}
	fclose(in);
}

START_TEST(a_flood_is_cut_and_counted)
{
	int		terminal[2], ready[2], parent[2], kept = dup(2);
	struct mono	began = mono_now();
	struct logpipe *logpipe;
	unsigned	shown, suppressed, seconds;

	ck_assert_int_eq(pipe2(terminal, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(parent, O_CLOEXEC), 0);
	fcntl(terminal[1], F_SETPIPE_SZ, 1 << 20);
	dup2(terminal[1], STDERR_FILENO);
	close(terminal[1]);
	logpipe = logpipe_new(ready[0], parent[1]);
	ck_assert_ptr_nonnull(logpipe);
	for (unsigned i = 0; i < LINES; i++)
		dprintf(STDERR_FILENO, "tombolo: site a: up\n");
	/* Only the next second's first line says how many there were. */
	sleep(1);
	dprintf(STDERR_FILENO, "tombolo: the end\n");
	logpipe_free(logpipe);
	dup2(kept, STDERR_FILENO);
	close(ready[1]);
	close(parent[0]);
	seconds = (unsigned)(mono_sub(mono_now(), began) / MONO_SEC) + 2;
	count(terminal[0], &shown, &suppressed);
	ck_assert_uint_eq(shown + suppressed, LINES + 1);
	ck_assert_uint_le(shown, seconds * PER_SEC);
	ck_assert_uint_gt(suppressed, 0);
}
END_TEST

UNIT_MAIN("logpipe", a_flood_is_cut_and_counted)
