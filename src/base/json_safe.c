/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json_safe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/secret.h"

static void *wiping_malloc(size_t size);
static void wiping_free(void *p);

void
json_safe_setup(void)
{
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	/* Or it opens /dev/urandom when the first object is made. */
	json_object_seed(arc4random());
}

char *
json_safe_print(const json_t *object, size_t flags, const char *end,
    size_t *len)
{
	size_t n = json_dumpb(object, NULL, 0, flags), more = strlen(end) + 1;
	char  *text = n > 0 ? malloc(n + more) : NULL;

	if (text == NULL)
		return NULL;
	json_dumpb(object, text, n, flags);
	memcpy(text + n, end, more);
	*len = n + more - 1;
	return text;
}

/* The size stands in front, aligned, so that free knows what to wipe. */
static void *
wiping_malloc(size_t size)
{
	max_align_t *p;

	if (size > SIZE_MAX - sizeof(*p))
		return NULL;
	p = malloc(sizeof(*p) + size);
	if (p == NULL)
		return NULL;
	memcpy(p, &size, sizeof(size));
	return p + 1;
}

static void
wiping_free(void *p)
{
	max_align_t *block = p;
	size_t	     size;

	if (block == NULL)
		return;
	block--;
	memcpy(&size, block, sizeof(size));
	secret_free(block, sizeof(*block) + size);
}
