/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * psk: a site's pre-shared key, which keeps its lanes secret even if X25519 and
 * TLS are broken one day (PROTOCOL 5.2).
 *
 * The hub derives it from its key ring, the site's name and a generation.  The
 * site has it from its invitation:
 *
 *   hub    psk.key         one line: the ring, 32 bytes
 *          sites/NAME.psk  one line: the generation, 4 bytes
 *   site   psk             one line: generation and key, as in the invitation
 *
 * all in hexadecimal.  The engine never sees it: each connection gets a derived
 * key.
 */
#ifndef PSK_H
#define PSK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PSK_LEN	      32
#define PSK_ID_LEN    8
#define PSK_LINE_SIZE (2 * 4 + 1 + 2 * PSK_LEN + 1)

struct psk {
	uint32_t generation; /* not 0 */
	uint8_t	 key[PSK_LEN];
};

void psk_derive(struct psk *psk, const uint8_t ring[PSK_LEN], const char *site,
    uint32_t generation);

void psk_print(char line[PSK_LINE_SIZE], const struct psk *psk);
bool psk_parse(struct psk *psk, const char *line);
bool psk_parse_ring(uint8_t ring[PSK_LEN], const char *line);
bool psk_parse_generation(uint32_t *generation, const char *line);

/*
 * Reads, for the keeper, the key of `site` at the hub, or for "" a site's own.
 * 0 or a negative errno value (-ENOENT: there is none); `file` is the file that
 * was read last.
 */
int psk_read(struct psk *psk, int dir, const char *site, char *file,
    size_t file_size);

/*
 * Derives what the engine gets: the key's id, and the key of the connection
 * with this tls-exporter.
 */
void psk_connection(const struct psk *psk, const uint8_t binding[32],
    uint8_t id[PSK_ID_LEN], uint8_t key[PSK_LEN]);

#endif /* PSK_H */
