/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/site_routes.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "monitor/host/link.h"

void
site_routes_follow(struct site_routes *routes, struct link *link,
    const char *device, bool has_ipv6, const struct conf *conf)
{
	struct prefix_set wanted = { 0 }, now = { 0 };
	char		  text[PREFIX_STRLEN];

	if (!site_routes_add(&wanted, conf)) {
		log_warnx("%s: no memory for the sites' routes", device);
		prefix_set_fini(&wanted);
		return;
	}
	prefix_set_sort(&wanted);
	for (size_t i = 0; i < routes->set.n; i++) {
		if (!prefix_set_has(&wanted, &routes->set.v[i]))
			(void)link_remove_route(link, device,
			    &routes->set.v[i]);
	}
	for (size_t i = 0; i < wanted.n; i++) {
		const struct prefix *route = &wanted.v[i];
		int		     r = 0;

		if (route->addr.family == AF_INET6 && !has_ipv6)
			r = -EAFNOSUPPORT;
		if (r == 0 && !prefix_set_has(&routes->set, route))
			r = link_add_route(link, device, route);
		if (r == 0 && !prefix_set_add(&now, route))
			r = -ENOMEM;
		if (r < 0)
			log_warnx("%s: no route to %s by it: %s%s", device,
			    prefix_print(route, text, sizeof(text)),
			    strerror(-r),
			    r == -EEXIST ?
				"; this host has another one to it" :
				"");
	}
	prefix_set_fini(&wanted);
	prefix_set_fini(&routes->set);
	routes->set = now;
}

void
site_routes_fini(struct site_routes *routes)
{
	prefix_set_fini(&routes->set);
}

bool
site_routes_add(struct prefix_set *set, const struct conf *conf)
{
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		if (!site->disabled && !prefix_set_add_list(set,
			site->subnets.v, site->subnets.n))
			return false;
	}
	return true;
}
