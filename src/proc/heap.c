/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/heap.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/nitems.h"

#define BLOCK (64 * 1024) /* from the heap, not mapped on its own */

static void *fill_and_free(void *arg);

void
heap_settle(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fill_and_free, NULL) == 0)
		pthread_join(thread, NULL);
}

static void *
fill_and_free(void *arg)
{
	void *volatile blocks[32];

	(void)arg;
	for (size_t i = 0; i < nitems(blocks); i++)
		blocks[i] = malloc(BLOCK);
	for (size_t i = nitems(blocks); i-- > 0;)
		free(blocks[i]);
	return NULL;
}
