/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/heap_warmup.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/nitems.h"

#define BLOCK	(64 * 1024) /* from the heap, not mapped on its own */
#define THREADS 18	    /* an engine's: 16 workers, control, one to spare */

struct settling {
	sem_t		done;
	pthread_mutex_t leave; /* held until all have done it */
};

static void  sort_much(void);
static void *settle_thread(void *arg);
static void  fill_and_free(void);
static int   compare(const void *a, const void *b);

void
heap_warmup_settle(void)
{
	struct settling settling = { .leave = PTHREAD_MUTEX_INITIALIZER };
	pthread_t	threads[THREADS];
	unsigned	n = 0;

	/* Without TZ each localtime() looks whether the file is another. */
	(void)setenv("TZ", ":/etc/localtime", 0);
	tzset();
	sort_much();
	sem_init(&settling.done, 0, 0);
	pthread_mutex_lock(&settling.leave);
	while (n < THREADS &&
	    pthread_create(&threads[n], NULL, settle_thread, &settling) == 0)
		n++;
	for (unsigned i = 0; i < n; i++) {
		while (sem_wait(&settling.done) == -1)
			;
	}
	pthread_mutex_unlock(&settling.leave);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	sem_destroy(&settling.done);
}

static void
sort_much(void)
{
	int numbers[1024] = { 0 }; /* more than qsort() does on its stack */

	qsort(numbers, nitems(numbers), sizeof(numbers[0]), compare);
}

/* All at once: what each of them gets is there for a later thread. */
static void *
settle_thread(void *arg)
{
	struct settling *settling = arg;
	char		 byte;

	fill_and_free();
	(void)!getrandom(&byte, sizeof(byte), 0);
	sem_post(&settling->done);
	pthread_mutex_lock(&settling->leave);
	pthread_mutex_unlock(&settling->leave);
	return NULL;
}

static void
fill_and_free(void)
{
	void *volatile blocks[32];

	for (size_t i = 0; i < nitems(blocks); i++)
		blocks[i] = malloc(BLOCK);
	for (size_t i = nitems(blocks); i-- > 0;)
		free(blocks[i]);
}

static int
compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}
