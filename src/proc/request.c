/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/request.h"

#include <string.h>

bool
request_addr_is_good(const struct addr *addr)
{
	static const uint8_t nothing[sizeof(addr->bytes)];

	return addr->family == AF_INET6 ||
	    (addr->family == AF_INET &&
		memcmp(addr->bytes + 4, nothing, sizeof(nothing) - 4) == 0);
}

bool
request_addrs_are_good(const struct addr *list, uint32_t n, uint32_t max)
{
	bool good = n <= max;

	for (uint32_t i = 0; good && i < n; i++)
		good = request_addr_is_good(&list[i]);
	return good;
}

bool
request_prefixes_are_good(const struct prefix *list, uint32_t n, uint32_t max)
{
	bool good = n <= max;

	for (uint32_t i = 0; good && i < n; i++)
		good = request_addr_is_good(&list[i].addr) &&
		    list[i].len <= addr_bits(list[i].addr.family);
	return good;
}
