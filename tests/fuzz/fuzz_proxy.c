/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_proxy: what a proxy says before it connects us.  The first byte chooses
 * its kind and whether there is a login.
 */
#include <string.h>

#include "control/reach/proxy.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct proxy proxy;

	if (size == 0)
		return 0;
	proxy_init(&proxy, data[0] & 1 ? CONF_PROXY_HTTP : CONF_PROXY_SOCKS5,
	    data[0] & 4 ? "2001:db8::7" : "vpn.example.org", 443,
	    data[0] & 2 ? "user:secret" : NULL);
	for (size_t i = 1; i < size; i++) {
		enum proxy_state before = proxy.state;

		FUZZ_CHECK(proxy.out_len <= sizeof(proxy.out));
		proxy.out_len = 0;
		proxy_take(&proxy, &data[i], 1);
		/* Nothing comes after a yes, and no yes after a no. */
		FUZZ_CHECK(before != PROXY_DONE || proxy.state == PROXY_FAILED);
		FUZZ_CHECK(before != PROXY_FAILED ||
		    proxy.state == PROXY_FAILED);
		FUZZ_CHECK(proxy.in_len <= sizeof(proxy.in));
		FUZZ_CHECK((proxy.state == PROXY_FAILED) ==
		    (proxy.why[0] != '\0'));
		FUZZ_CHECK(memchr(proxy.why, '\0', sizeof(proxy.why)) != NULL);
	}
	proxy_fini(&proxy);
	return 0;
}
