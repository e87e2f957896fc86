/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr: IP addresses, prefixes and endpoints: parse, print, compare.
 *
 * A `struct addr` is an IPv4 or IPv6 address, a `struct prefix` an address and
 * a length (host bits are kept: "10.4.2.5/24" is an interface's address), a
 * `struct endpoint` an address and a UDP or TCP port, as the kernel takes it.
 */
#ifndef ADDR_H
#define ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	sa_family_t family; /* AF_INET, AF_INET6; 0 is "none" */
	uint8_t	    bytes[16]; /* network order; IPv4 in the first four */
};

struct prefix {
	struct addr addr;
	uint8_t	    len; /* 0..32 or 0..128 */
};

struct endpoint {
	union {
		struct sockaddr	    sa;
		struct sockaddr_in  in;
		struct sockaddr_in6 in6;
	};
	socklen_t len; /* 0 is "none" */
};

#define ADDR_STRLEN	46
#define PREFIX_STRLEN	(ADDR_STRLEN + 4)
#define ENDPOINT_STRLEN (ADDR_STRLEN + 9)

/* A numeric IPv4 or IPv6 address; no names, no scope.  False when it is not. */
bool addr_parse(struct addr *addr, const char *text);
/* Prints into `dst` (ADDR_STRLEN bytes are enough); returns dst. */
const char *addr_print(const struct addr *addr, char *dst, size_t size);
bool	    addr_is_equal(const struct addr *a, const struct addr *b);
/* The length of an address of that family in bits: 32 or 128. */
unsigned addr_bits(sa_family_t family);
/* Next address (with carry); false when it wrapped. */
bool addr_next(struct addr *addr);
/*
 * The network that counts as one client: an IPv4 address alone, or the /64 of
 * an IPv6 address.
 */
struct addr addr_network(const struct addr *addr);

/*
 * Networks that are local to a host or a link, or not for hosts: loopback,
 * link-local, multicast and others.  NULL after the last.
 */
const struct prefix *addr_reserved(size_t i);
/* Whether it is in none of these, so another host can have it. */
bool addr_is_global(const struct addr *addr);

/* "10.0.7.0/24", "fd00::/64"; without "/n" a single host. */
bool	    prefix_parse(struct prefix *prefix, const char *text);
const char *prefix_print(const struct prefix *prefix, char *dst, size_t size);
bool	    prefix_is_equal(const struct prefix *a, const struct prefix *b);
bool	    prefix_contains(const struct prefix *prefix, const struct addr *addr);
bool	    prefix_overlaps(const struct prefix *a, const struct prefix *b);
/* Whether a list, in any order, contains it. */
bool prefix_list_has(const struct prefix *list, size_t n,
    const struct prefix *prefix);
bool prefix_list_has_family(const struct prefix *list, size_t n,
    sa_family_t family);
/* Whether both lists have the same prefixes in the same order. */
bool prefix_list_is_equal(const struct prefix *a, size_t na,
    const struct prefix *b, size_t nb);
/* Whether any bit beyond the length is set ("10.0.7.5/24"). */
bool prefix_has_host_bits(const struct prefix *prefix);
/* Clears the host bits. */
struct prefix prefix_network(const struct prefix *prefix);

struct endpoint endpoint_make(const struct addr *addr, uint16_t port);
/*
 * The address without the port; an IPv4-mapped IPv6 one comes out as IPv4.
 * Zeroed (family 0) when there is none.
 */
struct addr endpoint_addr(const struct endpoint *ep);
uint16_t    endpoint_port(const struct endpoint *ep);
/* "192.0.2.1:55555", "[2001:db8::1]:55555"; IPv4-mapped is shown as IPv4. */
const char *endpoint_print(const struct endpoint *ep, char *dst, size_t size);
bool	    endpoint_is_equal(const struct endpoint *a, const struct endpoint *b);

/*
 * Splits "HOST", "HOST:PORT", "[V6]:PORT" or a bare IPv6 address.  `port` is
 * not changed if the text has none.  False: none of these.
 */
bool endpoint_split(const char *text, char *host, size_t host_size,
    uint16_t *port);

/* From 1 to 65535, or false, and `*port` is as it was. */
bool endpoint_parse_port(uint16_t *port, const char *text);

#endif /* ADDR_H */
