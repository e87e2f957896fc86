/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_psk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "cmd/site/site_file.h"
#include "keeper/credentials.h"

#define RING CONF_KEEPER_DIR "/" CREDENTIALS_RING

static int read_line(const char *dir, const char *name, char *line,
    size_t size);
static void draw_ring(struct site_psk *psk, uint8_t ring[PSK_LEN]);

bool
site_psk_make(struct site_psk *psk, const char *dir, const char *site,
    const char *who)
{
	char	   name[SITE_FILE_MAX], line[PSK_LINE_SIZE];
	uint8_t	   ring[PSK_LEN];
	uint32_t   now = (uint32_t)time(NULL), before = 0;
	struct psk made;
	int	   r = read_line(dir, RING, line, sizeof(line));

	if (r == -ENOENT) {
		draw_ring(psk, ring);
	} else if (r != 0 || !psk_parse_ring(ring, line)) {
		log_warnx("%s: %s/" RING ": %s; restore it, or remove it and "
		    "invite all sites again", who, dir, r != 0 ?
			text_explain(r) : "must be one line of 64 hexadecimal "
					  "digits");
		return false;
	}
	/*
	 * Never a generation of an earlier invitation, nor one of a removed
	 * site.
	 */
	site_file_psk(name, sizeof(name), site);
	if (read_line(dir, name, line, sizeof(line)) == 0)
		(void)psk_parse_generation(&before, line);
	psk_derive(&made, ring, site, now > before ? now : before + 1);
	psk_print(psk->line, &made);
	snprintf(psk->generation, sizeof(psk->generation), "%08x\n",
	    made.generation);
	secret_wipe(line, sizeof(line));
	secret_wipe(ring, sizeof(ring));
	secret_wipe(&made, sizeof(made));
	return true;
}

bool
site_psk_write(struct file_txn *undo, const struct site_psk *psk, const char *dir,
    const char *site)
{
	char name[SITE_FILE_MAX];

	return (psk->ring[0] == '\0' ||
		   file_txn_create(undo, dir, RING, psk->ring, 0600)) &&
	    file_txn_replace(undo, dir, site_file_psk(name, sizeof(name), site),
		psk->generation, 0600);
}

static int
read_line(const char *dir, const char *name, char *line, size_t size)
{
	char  *path = file_join(dir, name), *text;
	size_t len;
	int    r = path != NULL ? file_read(path, size, &text, &len) : -ENOMEM;

	free(path);
	if (r != 0)
		return r;
	r = text_line(text, &len);
	if (r == 0)
		snprintf(line, size, "%.*s", (int)len, text);
	secret_free(text, len + 1);
	return r;
}

static void
draw_ring(struct site_psk *psk, uint8_t ring[PSK_LEN])
{
	secret_random(ring, PSK_LEN);
	hex_encode(psk->ring, ring, PSK_LEN);
	psk->ring[2 * PSK_LEN] = '\n';
}
