/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/switch/loop_probe.h"

#include <string.h>

#include <nettle/hmac.h>

#include "base/eth.h"
#include "base/secret.h"
#include "base/wire.h"

#define VERSION 2
#define MAC_LEN 16

/* Offsets in the frame. */
#define AT_TYPE	  12
#define AT_MAGIC  14
#define AT_PORT	  20
#define AT_HUB	  22
#define AT_NONCE  30
#define AT_RANK	  38
#define AT_MAC	  40
#define AT_END	  (AT_MAC + MAC_LEN)

static const uint8_t group[ETH_MAC_LEN] = { 0x03, 0x74, 0x6f, 0x6d, 0x62, 0x6f };
static const uint8_t magic[6] = { 't', 'm', 'b', 'l', VERSION, 0 };

static void sign(const struct loop_probe_id *id, const uint8_t *frame,
    uint8_t mac[MAC_LEN]);

void
loop_probe_id_init(struct loop_probe_id *id)
{
	secret_random(id->key, sizeof(id->key));
	secret_random(&id->hub, sizeof(id->hub));
	id->rank = 0;
}

void
loop_probe_encode(const struct loop_probe_id *id, uint8_t *frame,
    const uint8_t src[6], uint16_t port, uint64_t nonce)
{
	memset(frame, 0, LOOP_PROBE_LEN);
	memcpy(frame, group, sizeof(group));
	memcpy(frame + ETH_MAC_LEN, src, ETH_MAC_LEN);
	wire_write_u16(frame + AT_TYPE, ETH_TYPE_LOCAL2);
	memcpy(frame + AT_MAGIC, magic, sizeof(magic));
	wire_write_u16(frame + AT_PORT, port);
	wire_write_u64(frame + AT_HUB, id->hub);
	wire_write_u64(frame + AT_NONCE, nonce);
	wire_write_u16(frame + AT_RANK, id->rank);
	sign(id, frame, frame + AT_MAC);
}

bool
loop_probe_is(const uint8_t *frame, size_t len)
{
	return len >= ETH_HEADER_LEN &&
	    memcmp(frame, group, sizeof(group)) == 0 &&
	    wire_read_u16(frame + AT_TYPE) == ETH_TYPE_LOCAL2;
}

/* The padding is not checked: it may have been cut off on the way. */
bool
loop_probe_decode(const struct loop_probe_id *id, const uint8_t *frame,
    size_t len, struct loop_probe *probe)
{
	uint8_t mac[MAC_LEN];

	if (!loop_probe_is(frame, len) || len < AT_END ||
	    memcmp(frame + AT_MAGIC, magic, sizeof(magic)) != 0)
		return false;
	sign(id, frame, mac);
	if (!secret_equal(mac, frame + AT_MAC, sizeof(mac)))
		return false;
	*probe = (struct loop_probe) {
		.hub = wire_read_u64(frame + AT_HUB),
		.rank = wire_read_u16(frame + AT_RANK),
		.port = wire_read_u16(frame + AT_PORT),
		.nonce = wire_read_u64(frame + AT_NONCE),
	};
	return true;
}

static void
sign(const struct loop_probe_id *id, const uint8_t *frame, uint8_t mac[MAC_LEN])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, sizeof(id->key), id->key);
	hmac_sha256_update(&ctx, AT_MAC - AT_MAGIC, frame + AT_MAGIC);
	hmac_sha256_digest(&ctx, MAC_LEN, mac);
	secret_wipe(&ctx, sizeof(ctx));
}
