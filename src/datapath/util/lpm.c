/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node is a prefix.  Its children are longer prefixes within it, selected by
 * the first bit after the prefix.  Nodes with a port are prefixes that were
 * added; nodes without one are where two of them fork.  A lookup descends while
 * nodes contain the address and remembers the last port it passed.
 *
 * IPv4 addresses are in the first bits of the same 128-bit key.
 */
#include "datapath/util/lpm.h"

#include <assert.h>
#include <stdlib.h>

#include "base/wire.h"

struct key {
	uint64_t high, low;
};

struct node {
	struct key   key, mask;
	struct node *child[2];
	uint16_t     port; /* 0: a fork only */
	uint8_t	     len;
};

struct lpm {
	struct node *roots[2]; /* IPv4, IPv6 */
};

enum { V4, V6 };

static bool insert(struct node **root, struct key key, unsigned len,
    uint16_t port);
static uint16_t	    lookup(const struct node *node, struct key key);
static struct node *node_new(struct key key, unsigned len, uint16_t port);
static void	    free_from(struct node *node);
static struct key   key_v4(const uint8_t bytes[4]);
static struct key   key_v6(const uint8_t bytes[16]);
static struct key   key_mask(unsigned len);
static struct key   key_and(struct key a, struct key b);
static unsigned	    key_bit(struct key key, unsigned i);
static unsigned	    common_len(struct key a, struct key b);
static bool	    node_contains(const struct node *node, struct key key);

struct lpm *
lpm_new(void)
{
	return calloc(1, sizeof(struct lpm));
}

void
lpm_free(struct lpm *lpm)
{
	if (lpm == NULL)
		return;
	free_from(lpm->roots[V4]);
	free_from(lpm->roots[V6]);
	free(lpm);
}

bool
lpm_add(struct lpm *lpm, const struct prefix *prefix, uint16_t port)
{
	bool v4 = prefix->addr.family == AF_INET;

	assert(v4 || prefix->addr.family == AF_INET6);
	assert(prefix->len <= addr_bits(prefix->addr.family) && port != 0);
	return insert(&lpm->roots[v4 ? V4 : V6],
	    v4 ? key_v4(prefix->addr.bytes) : key_v6(prefix->addr.bytes),
	    prefix->len, port);
}

uint16_t
lpm_lookup4(const struct lpm *lpm, const uint8_t addr[4])
{
	return lookup(lpm->roots[V4], key_v4(addr));
}

uint16_t
lpm_lookup6(const struct lpm *lpm, const uint8_t addr[16])
{
	return lookup(lpm->roots[V6], key_v6(addr));
}

static bool
insert(struct node **link, struct key key, unsigned len, uint16_t port)
{
	struct node *node, *leaf, *fork;
	unsigned     common = 0;

	/*
	 * Descends to the first node that is not a shorter prefix of this one.
	 */
	key = key_and(key, key_mask(len));
	for (; (node = *link) != NULL; link = &node->child[key_bit(key, common)]) {
		common = common_len(node->key, key);
		if (common > len)
			common = len;
		if (common < node->len || node->len == len)
			break;
		common = node->len;
	}
	if (node != NULL && node->len == len && common == len) {
		node->port = port;
		return true;
	}
	leaf = node_new(key, len, port);
	if (leaf == NULL)
		return false;
	if (node == NULL) {
		*link = leaf;
	} else if (common == len) {
		leaf->child[key_bit(node->key, len)] = node;
		*link = leaf;
	} else {
		fork = node_new(key, common, 0);
		if (fork == NULL) {
			free(leaf);
			return false;
		}
		fork->child[key_bit(key, common)] = leaf;
		fork->child[key_bit(node->key, common)] = node;
		*link = fork;
	}
	return true;
}

static uint16_t
lookup(const struct node *node, struct key key)
{
	uint16_t port = 0;

	while (node != NULL && node_contains(node, key)) {
		if (node->port != 0)
			port = node->port;
		node = node->child[key_bit(key, node->len)];
	}
	return port;
}

/* At most 129 deep: a child's prefix is longer than its parent's. */
static struct node *
node_new(struct key key, unsigned len, uint16_t port)
{
	struct node *node = calloc(1, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->mask = key_mask(len);
	node->key = key_and(key, node->mask);
	node->len = (uint8_t)len;
	node->port = port;
	return node;
}

static void
free_from(struct node *node)
{
	if (node == NULL)
		return;
	free_from(node->child[0]);
	free_from(node->child[1]);
	free(node);
}

static struct key
key_v4(const uint8_t bytes[4])
{
	return (struct key) { .high = (uint64_t)wire_read_u32(bytes) << 32 };
}

static struct key
key_v6(const uint8_t bytes[16])
{
	return (struct key) { wire_read_u64(bytes), wire_read_u64(bytes + 8) };
}

static struct key
key_mask(unsigned len)
{
	struct key mask = { 0, 0 };

	if (len > 0)
		mask.high = UINT64_MAX << (len < 64 ? 64 - len : 0);
	if (len > 64)
		mask.low = UINT64_MAX << (128 - len);
	return mask;
}

static struct key
key_and(struct key a, struct key b)
{
	return (struct key) { a.high & b.high, a.low & b.low };
}

/* Bit `i` from the left; of bit 128, which a /128 asks for, 0. */
static unsigned
key_bit(struct key key, unsigned i)
{
	if (i < 64)
		return key.high >> (63 - i) & 1;
	return i < 128 ? key.low >> (127 - i) & 1 : 0;
}

/* The length of the common prefix. */
static unsigned
common_len(struct key a, struct key b)
{
	if (a.high != b.high)
		return (unsigned)__builtin_clzll(a.high ^ b.high);
	if (a.low != b.low)
		return 64 + (unsigned)__builtin_clzll(a.low ^ b.low);
	return 128;
}

static bool
node_contains(const struct node *node, struct key key)
{
	return (((key.high ^ node->key.high) & node->mask.high) |
		   ((key.low ^ node->key.low) & node->mask.low)) == 0;
}
