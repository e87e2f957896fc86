/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nitems.h"
#include "conf/conf.h"
#include "monitor/host/journal.h"

#define KEY_SIZE   128
#define VALUE_SIZE 16

static bool has_family(const struct conf_prefixes *list, sa_family_t family);
static int enable_ipv4(struct journal *journal);
static int enable_ipv6(struct journal *journal);
static int each_interface(struct journal *journal, const char *conf,
    int (*visit)(struct journal *journal, const char *conf,
	const char *ifname));
static int keep_forwarding(struct journal *journal, const char *conf,
    const char *ifname);
static int is_loose(struct journal *journal, const char *conf,
    const char *ifname);
static int keep_router(struct journal *journal, const char *conf,
    const char *ifname);
static int  set(struct journal *journal, const char *key, const char *value);
static bool is_value(const char *key, const char *value);

bool
sysctl_is_wanted(const struct conf *conf, sa_family_t family)
{
	if (conf->forward != CONF_AUTO)
		return conf->forward == CONF_YES;
	if (conf->role == CONF_CLIENT)
		return has_family(&conf->subnets, family);
	for (size_t i = 0; i < conf->nsites; i++) {
		if (!conf->sites[i].disabled && conf->sites[i].default_route &&
		    has_family(&conf->sites[i].addresses, family))
			return true;
	}
	return has_family(&conf->networks, family) ||
	    (conf->nat && has_family(&conf->tunnel_networks, family));
}

int
sysctl_enable(struct journal *journal, bool ipv4, bool ipv6)
{
	int r = 0;

	if (ipv4)
		r = enable_ipv4(journal);
	if (r == 0 && ipv6)
		r = enable_ipv6(journal);
	return r;
}

/* The larger of an interface's and "all" counts. */
int
sysctl_loosen(struct journal *journal, bool marked)
{
	static const char *all = "net/ipv4/conf/all/rp_filter";
	static const char *valid = "net/ipv4/conf/all/src_valid_mark";
	int		   r;

	if (is_value(all, "2") || (marked && is_value(valid, "1")))
		return 0;
	if (!is_value(all, "1") &&
	    each_interface(journal, "net/ipv4/conf", is_loose) == 0)
		return 0;
	r = marked ? set(journal, valid, "1") : set(journal, all, "2");
	return r < 0 ? r : 1;
}

bool
sysctl_has_ipv6(const char *device)
{
	char key[KEY_SIZE];

	snprintf(key, sizeof(key), "net/ipv6/conf/%s/disable_ipv6", device);
	return is_value(key, "0");
}

int
sysctl_silence_ipv6(const char *device)
{
	char key[KEY_SIZE];
	int  r;

	snprintf(key, sizeof(key), "net/ipv6/conf/%s/disable_ipv6", device);
	if (is_value(key, "1"))
		return 0;
	r = journal_sysctl_write(key, "1");
	return r == -ENOENT ? 0 : r; /* there is no IPv6 */
}

void
sysctl_distrust(const char *device)
{
	static const struct {
		const char *key, *value;
	} keys[] = {
		{ "accept_ra", "0" },
		{ "accept_redirects", "0" },
		{ "addr_gen_mode", "1" }, /* none: no fe80:: of its own */
	};
	char key[KEY_SIZE];

	for (size_t i = 0; i < nitems(keys); i++) {
		snprintf(key, sizeof(key), "net/ipv6/conf/%s/%s", device,
		    keys[i].key);
		(void)journal_sysctl_write(key, keys[i].value);
	}
}

static bool
has_family(const struct conf_prefixes *list, sa_family_t family)
{
	return prefix_list_has_family(list->v, list->n, family);
}

/*
 * The kernel sets conf/all/accept_redirects to the opposite of ip_forward: a
 * host that had it off would come out of this with it on.
 */
static int
enable_ipv4(struct journal *journal)
{
	static const char *redirects = "net/ipv4/conf/all/accept_redirects";
	int		   r = 0;

	if (is_value("net/ipv4/ip_forward", "1"))
		return 0;
	if (is_value(redirects, "0"))
		r = journal_sysctl(journal, redirects, "0", "1");
	if (r == 0)
		r = each_interface(journal, "net/ipv4/conf", keep_forwarding);
	return r < 0 ? r : set(journal, "net/ipv4/ip_forward", "1");
}

static int
enable_ipv6(struct journal *journal)
{
	static const char *forwarding = "net/ipv6/conf/all/forwarding";
	int		   r;

	if (is_value(forwarding, "1"))
		return 0;
	r = each_interface(journal, "net/ipv6/conf", keep_router);
	if (r == 0)
		r = each_interface(journal, "net/ipv6/conf", keep_forwarding);
	return r < 0 ? r : set(journal, forwarding, "1");
}

/* "default" is one of them: for interfaces that come later. */
static int
each_interface(struct journal *journal, const char *conf,
    int (*visit)(struct journal *journal, const char *conf, const char *ifname))
{
	struct dirent *entry;
	char	       path[KEY_SIZE];
	DIR	      *dir;
	int	       r = 0;

	snprintf(path, sizeof(path), "/proc/sys/%s", conf);
	dir = opendir(path);
	if (dir == NULL)
		return -errno;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "all") == 0)
			continue;
		r = visit(journal, conf, entry->d_name);
	}
	closedir(dir);
	return r;
}

/* On already, alone: switching all of them off will not leave it so. */
static int
keep_forwarding(struct journal *journal, const char *conf, const char *ifname)
{
	char key[KEY_SIZE];

	snprintf(key, sizeof(key), "%s/%.15s/forwarding", conf, ifname);
	if (!is_value(key, "1"))
		return 0;
	return journal_sysctl(journal, key, "1", "0");
}

static int
is_loose(struct journal *journal, const char *conf, const char *ifname)
{
	char key[KEY_SIZE];

	snprintf(key, sizeof(key), "%s/%.15s/rp_filter", conf, ifname);
	return is_value(key, "1") ? -EBUSY : 0;
}

/* 2: router advertisements are taken although we are a router. */
static int
keep_router(struct journal *journal, const char *conf, const char *ifname)
{
	char key[KEY_SIZE];
	int  r;

	snprintf(key, sizeof(key), "%s/%.15s/accept_ra", conf, ifname);
	if (!is_value(key, "1"))
		return 0;
	r = set(journal, key, "2");
	return r == -ENOENT ? 0 : r; /* the interface has gone */
}

/* Through the journal; `key` exists, or there is nothing to set. */
static int
set(struct journal *journal, const char *key, const char *value)
{
	char old[VALUE_SIZE];
	int  r = journal_sysctl_read(key, old, sizeof(old));

	if (r == 0)
		r = journal_sysctl(journal, key, old, value);
	if (r == 0)
		r = journal_sysctl_write(key, value);
	return r;
}

static bool
is_value(const char *key, const char *value)
{
	char now[VALUE_SIZE];

	return journal_sysctl_read(key, now, sizeof(now)) == 0 &&
	    strcmp(now, value) == 0;
}
