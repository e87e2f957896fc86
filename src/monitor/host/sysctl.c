/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nitems.h"
#include "conf/conf.h"
#include "monitor/host/journal.h"
#include "monitor/host/link.h"

#define KEY_SIZE   128
#define VALUE_SIZE 16

/* Where "*" stands for one interface. */
static const char *const our_keys[] = {
	"net/ipv4/ip_forward",
	"net/ipv4/conf/*/forwarding",
	"net/ipv4/conf/all/accept_redirects",
	"net/ipv4/conf/all/rp_filter",
	"net/ipv4/conf/all/src_valid_mark",
	"net/ipv6/conf/*/accept_ra",
	"net/ipv6/conf/*/forwarding",
};

static bool has_family(const struct conf_prefixes *list, sa_family_t family);
static int enable_ipv4(struct journal *journal);
static int enable_ipv6(struct journal *journal);
static int each_interface(struct journal *journal, const char *conf,
    const char *leaf, int (*visit)(struct journal *journal, const char *key));
static int note_off(struct journal *journal, const char *key);
static int keep_router(struct journal *journal, const char *key);
static int stop(struct journal *journal, const char *key);
static int  open_key(const char *key, int flags);
static int  set(struct journal *journal, const char *key, const char *value);
static bool is_value(const char *key, const char *value);
static bool matches(const char *pattern, const char *key);

int
sysctl_read(const char *key, char *value, int size)
{
	ssize_t n;
	int	fd = open_key(key, O_RDONLY), r = 0;

	if (fd < 0)
		return fd;
	n = read(fd, value, (size_t)size - 1);
	if (n == -1)
		r = -errno;
	close(fd);
	if (r < 0)
		return r;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

int
sysctl_write(const char *key, const char *value)
{
	int fd = open_key(key, O_WRONLY), r = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) == -1)
		r = -errno;
	close(fd);
	return r;
}

bool
sysctl_is_ours(const char *key)
{
	if (strlen(key) >= SYSCTL_KEY_SIZE)
		return false;
	for (size_t i = 0; i < nitems(our_keys); i++) {
		if (matches(our_keys[i], key))
			return true;
	}
	return false;
}

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
	int n = ipv4 ? enable_ipv4(journal) : 0;
	int r = n >= 0 && ipv6 ? enable_ipv6(journal) : 0;

	return n < 0 ? n : r < 0 ? r : n + r;
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
	    each_interface(journal, "net/ipv4/conf", "rp_filter", stop) == 0)
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
	r = sysctl_write(key, "1");
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
		(void)sysctl_write(key, keys[i].value);
	}
}

static bool
has_family(const struct conf_prefixes *list, sa_family_t family)
{
	return prefix_list_has_family(list->v, list->n, family);
}

/*
 * The kernel sets conf/all/accept_redirects to the opposite of ip_forward, so
 * on a host that had it off it would be on afterwards.
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
		r = each_interface(journal, "net/ipv4/conf", "forwarding",
		    note_off);
	if (r == 0)
		r = set(journal, "net/ipv4/ip_forward", "1");
	return r < 0 ? r : 1;
}

static int
enable_ipv6(struct journal *journal)
{
	static const char *forwarding = "net/ipv6/conf/all/forwarding";
	int		   r;

	if (is_value(forwarding, "1"))
		return 0;
	r = each_interface(journal, "net/ipv6/conf", "accept_ra", keep_router);
	if (r == 0)
		r = each_interface(journal, "net/ipv6/conf", "forwarding",
		    note_off);
	if (r == 0)
		r = set(journal, forwarding, "1");
	return r < 0 ? r : 1;
}

/*
 * Interfaces whose key is 1, and "default", which is for interfaces that are
 * created later.
 */
static int
each_interface(struct journal *journal, const char *conf, const char *leaf,
    int (*visit)(struct journal *journal, const char *key))
{
	struct dirent *entry;
	char	       key[KEY_SIZE];
	DIR	      *dir;
	int	       r = 0;

	snprintf(key, sizeof(key), "/proc/sys/%s", conf);
	dir = opendir(key);
	if (dir == NULL)
		return -errno;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "all") == 0)
			continue;
		snprintf(key, sizeof(key), "%s/%.15s/%s", conf, entry->d_name,
		    leaf);
		if (is_value(key, "1"))
			r = visit(journal, key);
	}
	closedir(dir);
	return r;
}

/* On already, alone: switching all of them off will not leave it so. */
static int
note_off(struct journal *journal, const char *key)
{
	return journal_sysctl(journal, key, "1", "0");
}

/* 2: router advertisements are accepted although we are a router. */
static int
keep_router(struct journal *journal, const char *key)
{
	int r = set(journal, key, "2");

	return r == -ENOENT ? 0 : r; /* the interface has gone */
}

static int
stop(struct journal *journal, const char *key)
{
	return -EBUSY;
}

/* Through the journal; `key` exists, or there is nothing to set. */
static int
set(struct journal *journal, const char *key, const char *value)
{
	char old[VALUE_SIZE];
	int  r = sysctl_read(key, old, sizeof(old));

	if (r == 0)
		r = journal_sysctl(journal, key, old, value);
	if (r == 0)
		r = sysctl_write(key, value);
	return r;
}

static bool
is_value(const char *key, const char *value)
{
	char now[VALUE_SIZE];

	return sysctl_read(key, now, sizeof(now)) == 0 &&
	    strcmp(now, value) == 0;
}

static int
open_key(const char *key, int flags)
{
	char path[PATH_MAX];
	int  fd;

	if (strncmp(key, "net/", 4) != 0 || strstr(key, "/../") != NULL ||
	    (size_t)snprintf(path, sizeof(path), "/proc/sys/%s", key) >=
		sizeof(path))
		return -EINVAL;
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd == -1 ? -errno : fd;
}

static bool
matches(const char *pattern, const char *key)
{
	const char *star = strchr(pattern, '*');
	size_t	    before, name;

	if (star == NULL)
		return strcmp(pattern, key) == 0;
	before = (size_t)(star - pattern);
	if (strncmp(pattern, key, before) != 0)
		return false;
	name = strcspn(key + before, "/");
	return link_is_name(key + before, name) &&
	    strcmp(star + 1, key + before + name) == 0;
}
