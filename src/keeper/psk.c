/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/psk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/hex.h"
#include "base/label_mac.h"
#include "base/secret.h"
#include "base/wire.h"
#include "conf/conf.h"
#include "keeper/credentials.h"
#include "keeper/srp_line.h"

static int  read_line(int dir, const char *file, char line[PSK_LINE_SIZE]);
static bool take(const char **line, uint8_t *dst, size_t len);

void
psk_derive(struct psk *psk, const uint8_t ring[PSK_LEN], const char *site,
    uint32_t generation)
{
	uint8_t bytes[4];

	wire_write_u32(bytes, generation);
	psk->generation = generation;
	label_mac(psk->key, sizeof(psk->key), ring, "tombolo psk", bytes,
	    sizeof(bytes), site, strnlen(site, CONF_NAME_MAX));
}

void
psk_print(char line[PSK_LINE_SIZE], const struct psk *psk)
{
	snprintf(line, PSK_LINE_SIZE, "%08x ", psk->generation);
	hex_encode(line + 9, psk->key, sizeof(psk->key));
}

bool
psk_parse(struct psk *psk, const char *line)
{
	uint8_t generation[4];

	if (!take(&line, generation, sizeof(generation)) ||
	    !take(&line, psk->key, sizeof(psk->key)) || *line != '\0')
		return false;
	psk->generation = wire_read_u32(generation);
	return psk->generation != 0;
}

bool
psk_parse_ring(uint8_t ring[PSK_LEN], const char *line)
{
	return take(&line, ring, PSK_LEN) && *line == '\0';
}

bool
psk_parse_generation(uint32_t *generation, const char *line)
{
	uint8_t bytes[4];

	if (!take(&line, bytes, sizeof(bytes)) || *line != '\0')
		return false;
	*generation = wire_read_u32(bytes);
	return *generation != 0;
}

int
psk_read(struct psk *psk, int dir, const char *site, char *file,
    size_t file_size)
{
	char	 line[PSK_LINE_SIZE];
	uint8_t	 ring[PSK_LEN];
	uint32_t generation;
	int	 r;

	strlcpy(file, CREDENTIALS_PSK, file_size);
	if (*site == '\0') {
		r = read_line(dir, file, line);
		if (r == 0 && !psk_parse(psk, line))
			r = -EBADMSG;
		secret_wipe(line, sizeof(line));
		return r;
	}
	if (!conf_is_site_name(site))
		return -ENOENT;
	snprintf(file, file_size, CREDENTIALS_SITES "/%s.psk", site);
	r = read_line(dir, file, line);
	if (r == 0 && !psk_parse_generation(&generation, line))
		r = -EBADMSG;
	if (r != 0)
		return r;
	strlcpy(file, CREDENTIALS_RING, file_size);
	r = read_line(dir, file, line);
	if (r == 0 && !psk_parse_ring(ring, line))
		r = -EBADMSG;
	if (r == 0)
		psk_derive(psk, ring, site, generation);
	secret_wipe(line, sizeof(line));
	secret_wipe(ring, sizeof(ring));
	return r;
}

void
psk_connection(const struct psk *psk, const uint8_t binding[32],
    uint8_t id[PSK_ID_LEN], uint8_t key[PSK_LEN])
{
	label_mac(id, PSK_ID_LEN, psk->key, "tombolo psk id", NULL, 0, NULL, 0);
	label_mac(key, PSK_LEN, psk->key, "tombolo psk connection", binding, 32,
	    NULL, 0);
}

static int
read_line(int dir, const char *file, char line[PSK_LINE_SIZE])
{
	size_t len;
	int    r = credentials_line(dir, file, line, PSK_LINE_SIZE, &len);

	return r == -EFBIG ? -EBADMSG : r;
}

/* Parses one word of exactly that many bytes. */
static bool
take(const char **line, uint8_t *dst, size_t len)
{
	size_t n;

	return srp_line_take_hex(line, dst, len, &n) && n == len;
}
