/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz: one entry, and a main() for builds without libFuzzer.
 *
 * A target includes this once and defines LLVMFuzzerTestOneInput(), which
 * returns 0 and crashes (FUZZ_CHECK) when something is not as it must be.
 * Without libFuzzer the program runs it over each file, and each file of each
 * directory, that it is given; so the seeds are tests of every build.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "config.h"

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

#define FUZZ_CHECK(what)                                                       \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
			    __LINE__, #what);                                  \
			abort();                                               \
		}                                                              \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef WITH_LIBFUZZER

#define FUZZ_MAX_FILE (1024 * 1024)

/* The input goes in a block of just its size: then ASan sees any overrun. */
static inline int
fuzz_file(const char *path)
{
	uint8_t *exact;
	char	*data;
	size_t	 len;
	int	 r = file_read(path, FUZZ_MAX_FILE, &data, &len);

	if (r < 0)
		fatalx("%s: %s", path, strerror(-r));
	exact = malloc(len > 0 ? len : 1);
	if (exact == NULL)
		fatalx("no memory");
	memcpy(exact, data, len);
	free(data);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 1;
}

static inline int
fuzz_path(const char *path)
{
	struct dirent *entry;
	DIR	      *dir = opendir(path);
	int	       n = 0;

	if (dir == NULL)
		return fuzz_file(path);
	while ((entry = readdir(dir)) != NULL) {
		char *file;

		if (entry->d_name[0] == '.')
			continue;
		file = file_join(path, entry->d_name);
		if (file == NULL)
			fatalx("no memory");
		n += fuzz_file(file);
		free(file);
	}
	closedir(dir);
	return n;
}

int
main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		/* An option of libFuzzer's. */
		if (argv[i][0] != '-')
			n += fuzz_path(argv[i]);
	}
	printf("%s: %d inputs\n", argv[0], n);
	return n > 0 ? 0 : 1;
}

#endif /* WITH_LIBFUZZER */

#endif /* FUZZ_H */
