/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/site_routes.h"

#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "base/log.h"
#include "conf/conf.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/route.h"
#include "monitor/host/tapdev.h"

static int log_failure(void *arg, const struct prefix *network, int error);

void
site_routes_follow(struct link *link, struct tapdev *dev, bool has_ipv6,
    const struct conf *conf)
{
	struct prefix_set  all = { 0 }, wanted = { 0 };
	struct route_table routes = { .set = &wanted, .ifindex = dev->ifindex,
		.on_failure = log_failure, .arg = dev };
	int r = site_routes_add(&all, conf) ? 0 : -ENOMEM;

	prefix_set_sort(&all);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		if (all.v[i].addr.family == AF_INET6 && !has_ipv6)
			(void)log_failure(dev, &all.v[i], -EAFNOSUPPORT);
		else if (!prefix_set_add(&wanted, &all.v[i]))
			r = -ENOMEM;
	}
	if (r == 0)
		r = route_set(link, RT_TABLE_MAIN, &routes);
	if (r < 0)
		log_warnx("%s: cannot set the routes to the sites: %s",
		    dev->name, strerror(-r));
	prefix_set_fini(&all);
	prefix_set_fini(&wanted);
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

static int
log_failure(void *arg, const struct prefix *network, int error)
{
	const struct tapdev *dev = arg;
	char		     text[PREFIX_STRLEN];

	log_warnx("%s: cannot add a route to %s: %s%s", dev->name,
	    prefix_print(network, text, sizeof(text)), strerror(-error),
	    error == -EEXIST ? "; this host has another route to it" : "");
	return 0;
}
