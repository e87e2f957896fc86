/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor does to a host, done for real: each test in a network
 * namespace of its own, which takes everything with it.  Needs root, else it
 * is skipped.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <nftables/libnftables.h>

#include <bsd/string.h>

#include "base/eth.h"
#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/journal.h"
#include "monitor/host/link.h"
#include "monitor/host/nat.h"
#include "monitor/host/network.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/route.h"
#include "monitor/host/rules.h"
#include "monitor/host/tapdev.h"
#include "proc/request.h"

#define SKIPPED 77

static const uint8_t bridge_mac[6] = { 0x02, 0, 0, 0, 0, 1 };

static struct link *link_;
static char	    dir[] = "/tmp/hands.XXXXXX";
static char	    journal_path[64];

/* ------------------------------------------------------------- helpers */

static void
setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	link_ = link_open();
	ck_assert_ptr_nonnull(link_);
	ck_assert_int_eq(link_set_up(link_, "lo", 0), 0);
	strlcpy(dir, "/tmp/hands.XXXXXX", sizeof(dir));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(journal_path, sizeof(journal_path), "%s/journal", dir);
}

static void
teardown(void)
{
	link_close(link_);
	unlink(journal_path);
	rmdir(dir);
}

/* How many lines of what the command says have `what` in them. */
static int
count_lines(const char *command, const char *what)
{
	char  text[256], line[256];
	FILE *out;
	int   n = 0;

	snprintf(text, sizeof(text), "%s 2>&1", command);
	out = popen(text, "r");
	ck_assert_ptr_nonnull(out);
	while (fgets(line, sizeof(line), out) != NULL)
		n += strstr(line, what) != NULL;
	pclose(out);
	return n;
}

static struct link_facts
look(const char *name)
{
	struct link_facts facts = { 0 };

	(void)link_look(link_, name, &facts);
	return facts;
}

static int
return_error(void *arg, const struct prefix *network, int error)
{
	(void)arg;
	(void)network;
	return error;
}

/* By the device the main table has this route of ours alone; NULL: none. */
static int
set_route(const char *device, const struct prefix *network)
{
	struct prefix_set  set = { 0 };
	struct route_table routes = { .set = &set,
		.ifindex = if_nametoindex(device),
		.on_failure = return_error };
	int r;

	ck_assert(network == NULL || prefix_set_add(&set, network));
	r = route_set(link_, RT_TABLE_MAIN, &routes);
	prefix_set_fini(&set);
	return r;
}

static struct prefix
P(const char *text)
{
	struct prefix prefix;

	ck_assert_msg(prefix_parse(&prefix, text), "%s", text);
	return prefix;
}

static bool
exists(const char *ifname)
{
	return if_nametoindex(ifname) != 0;
}

static const char *
sysctl(const char *key)
{
	static char value[32];

	if (sysctl_read(key, value, sizeof(value)) < 0)
		return "none";
	return value;
}

static void
set(const char *key, const char *value)
{
	ck_assert_msg(sysctl_write(key, value) == 0, "%s", key);
	ck_assert_str_eq(sysctl(key), value);
}

/* How many routes of the main table go to `network`, by `device` or any. */
static int
count_routes(const char *network, const char *device)
{
	struct prefix	wanted = P(network);
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_cache *cache;
	int		 n = 0;

	ck_assert_int_eq(nl_connect(sock, NETLINK_ROUTE), 0);
	ck_assert_int_eq(rtnl_route_alloc_cache(sock, wanted.addr.family, 0,
			     &cache),
	    0);
	for (struct nl_object *o = nl_cache_get_first(cache); o != NULL;
	    o = nl_cache_get_next(o)) {
		struct rtnl_route   *route = (struct rtnl_route *)o;
		struct nl_addr	    *dst = rtnl_route_get_dst(route);
		struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);

		if (rtnl_route_get_table(route) != RT_TABLE_MAIN ||
		    rtnl_route_get_type(route) != RTN_UNICAST || hop == NULL ||
		    nl_addr_get_prefixlen(dst) != wanted.len ||
		    (wanted.len > 0 &&
			memcmp(nl_addr_get_binary_addr(dst), wanted.addr.bytes,
			    addr_bits(wanted.addr.family) / 8) != 0))
			continue;
		if (device == NULL ||
		    (unsigned)rtnl_route_nh_get_ifindex(hop) ==
			if_nametoindex(device))
			n++;
	}
	nl_cache_free(cache);
	nl_socket_free(sock);
	return n;
}

/* Whether it is there, and (IPv6) no longer tentative if it must be `ready`. */
static bool
find_address(const char *device, const char *text, bool ready)
{
	struct prefix	 wanted = P(text);
	struct nl_sock	*sock = nl_socket_alloc();
	struct nl_cache *cache;
	bool		 found = false;

	ck_assert_int_eq(nl_connect(sock, NETLINK_ROUTE), 0);
	ck_assert_int_eq(rtnl_addr_alloc_cache(sock, &cache), 0);
	for (struct nl_object *o = nl_cache_get_first(cache); o != NULL;
	    o = nl_cache_get_next(o)) {
		struct rtnl_addr *addr = (struct rtnl_addr *)o;
		struct nl_addr	 *local = rtnl_addr_get_local(addr);

		if (rtnl_addr_get_family(addr) == wanted.addr.family &&
		    rtnl_addr_get_prefixlen(addr) == wanted.len &&
		    (unsigned)rtnl_addr_get_ifindex(addr) ==
			if_nametoindex(device) &&
		    memcmp(nl_addr_get_binary_addr(local), wanted.addr.bytes,
			addr_bits(wanted.addr.family) / 8) == 0)
			found = !ready ||
			    (rtnl_addr_get_flags(addr) & IFA_F_TENTATIVE) == 0;
	}
	nl_cache_free(cache);
	nl_socket_free(sock);
	return found;
}

static bool
has_address(const char *device, const char *text)
{
	return find_address(device, text, false);
}

/* An interface of somebody else's, with up to two addresses. */
static int
make_lan(const char *name, const char *a, const char *b)
{
	struct tapdev dev;

	/* One queue; its descriptor keeps it, and it is left open. */
	ck_assert_int_eq(tapdev_open(&dev, name, CONF_TAP, 1, 0), 0);
	ck_assert_int_eq(link_set_up(link_, name, 0), 0);
	for (const char *const *text = (const char *const[]) { a, b, NULL };
	    *text != NULL; text++) {
		struct prefix address = P(*text);

		ck_assert_int_eq(link_add_address(link_, name, &address), 0);
	}
	return dev.queues[0];
}

static struct conf
make_conf(enum conf_role role, enum conf_mode mode)
{
	return (struct conf) {
		.role = role,
		.mode = mode,
		.device = "hands0",
		.workers = 2,
		.forward = CONF_AUTO,
		.mark = { 0x90, 0xf0 },
	};
}

/* What a nft of somebody else's says; the caller frees.  NULL: refused. */
static char *
run_nft(const char *command)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	char	       *out = NULL;

	nft_ctx_buffer_output(ctx);
	nft_ctx_buffer_error(ctx);
	if (nft_run_cmd_from_buffer(ctx, command) == 0)
		out = strdup(nft_ctx_get_output_buffer(ctx));
	nft_ctx_free(ctx);
	return out;
}

static bool
ruleset_has(const char *text)
{
	char *out = run_nft("list ruleset");
	bool  has = out != NULL && strstr(out, text) != NULL;

	free(out);
	return has;
}

/* `work` in a child that is then killed, as a crash would do. */
static void
killed_after(void (*work)(void))
{
	int   status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		work();
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ------------------------------------------------------------- tapdev */

START_TEST(device_has_queues_that_do_not_block_and_goes_with_them)
{
	enum conf_mode mode = _i == 0 ? CONF_TAP : CONF_TUN;
	struct tapdev  dev;
	uint8_t	       mac[6], byte[2048];

	ck_assert_int_eq(tapdev_open(&dev, "hands0", mode, 4, 0), 0);
	ck_assert_uint_eq(dev.nqueues, 4);
	ck_assert_uint_eq(dev.ifindex, if_nametoindex("hands0"));
	ck_assert_int_eq(look("hands0").mtu, (int)dev.mtu);
	for (unsigned i = 0; i < dev.nqueues; i++) {
		struct ifreq ifr;

		ck_assert_int_ne(fcntl(dev.queues[i], F_GETFD) & FD_CLOEXEC, 0);
		ck_assert_int_eq(ioctl(dev.queues[i], TUNGETIFF, &ifr), 0);
		ck_assert_int_eq(ifr.ifr_flags & IFF_NO_PI, IFF_NO_PI);
		ck_assert_int_eq(ifr.ifr_flags & IFF_MULTI_QUEUE,
		    IFF_MULTI_QUEUE);
		ck_assert_int_eq(ifr.ifr_flags & (IFF_TAP | IFF_TUN),
		    mode == CONF_TAP ? IFF_TAP : IFF_TUN);
		ck_assert_int_eq(ifr.ifr_flags & IFF_VNET_HDR, IFF_VNET_HDR);
	}
	ck_assert_uint_ne(dev.offloads &
		CONF_OFFLOAD_BIT(CONF_OFFLOAD_CSUM), 0);
	ck_assert_int_eq(link_set_up(link_, "hands0", 0), 0);
	for (unsigned i = 0; i < dev.nqueues; i++) {
		while (read(dev.queues[i], byte, sizeof(byte)) > 0)
			;
		ck_assert_int_eq(errno, EAGAIN);
	}
	if (mode == CONF_TAP) {
		memcpy(mac, look("hands0").mac, 6);
		ck_assert_mem_eq(mac, dev.mac, 6);
		ck_assert_uint_eq(mac[0], 0xfe);
	}
	tapdev_close(&dev);
	ck_assert(!exists("hands0"));
}
END_TEST

START_TEST(device_name_that_is_taken_is_refused)
{
	struct tapdev first, second;

	ck_assert_int_eq(tapdev_open(&first, "hands0", CONF_TAP, 2, 0), 0);
	ck_assert_int_eq(tapdev_open(&second, "hands0", CONF_TAP, 2, 0), -EBUSY);
	ck_assert_int_eq(tapdev_open(&second, "hands0", CONF_TUN, 1, 0), -EBUSY);
	ck_assert_int_eq(tapdev_open(&second, "lo", CONF_TAP, 1, 0), -EBUSY);
	ck_assert_uint_eq(second.nqueues, 0);
	ck_assert(exists("hands0"));
	tapdev_close(&first);
}
END_TEST

START_TEST(device_that_cannot_be_leaves_nothing)
{
	struct tapdev dev;

	ck_assert_int_eq(tapdev_open(&dev, "a-name-that-is-too-long", CONF_TAP,
			     1, 0),
	    -EINVAL);
	ck_assert_int_eq(tapdev_open(&dev, "no/name", CONF_TAP, 1, 0), -EINVAL);
	ck_assert_int_eq(tapdev_open(&dev, "hands0", CONF_TAP, 0, 0), -EINVAL);
	ck_assert(!exists("hands0"));
}
END_TEST

/* --------------------------------------------------------------- link */

START_TEST(bridge_is_made_joined_and_removed)
{
	struct tapdev dev;
	uint8_t	      mac[6];

	ck_assert_int_eq(link_make_bridge(link_, "br0", bridge_mac), 0);
	ck_assert_int_eq(link_make_bridge(link_, "br0", bridge_mac), -EEXIST);
	ck_assert(look("br0").is_bridge);
	ck_assert(!look("lo").is_bridge);
	ck_assert(!look("none").is_bridge);
	memcpy(mac, look("br0").mac, 6);
	ck_assert_mem_eq(mac, bridge_mac, 6);
	ck_assert(!look("br0").is_up);
	ck_assert_int_eq(link_set_up(link_, "br0", 0), 0);
	ck_assert(look("br0").is_up);

	ck_assert_int_eq(tapdev_open(&dev, "hands0", CONF_TAP, 1, 0), 0);
	ck_assert_int_eq(link_enslave(link_, "hands0", "none"), -ENODEV);
	ck_assert_int_eq(link_enslave(link_, "none", "br0"), -ENODEV);
	ck_assert_int_eq(link_enslave(link_, "hands0", "br0"), 0);
	ck_assert_int_eq(link_enslave(link_, "hands0", "br0"), 0);
	ck_assert_int_eq(link_make_bridge(link_, "br1", bridge_mac), 0);
	ck_assert_int_eq(link_enslave(link_, "hands0", "br1"), 0);
	ck_assert_int_eq(look("hands0").master, look("br1").index);
	ck_assert_int_eq(link_enslave(link_, "hands0", "br0"), 0);

	ck_assert_int_eq(link_remove_bridge(link_, "br0"), -EBUSY);
	ck_assert_int_eq(link_remove_bridge(link_, "hands0"), -EINVAL);
	ck_assert(exists("br0"));
	tapdev_close(&dev);
	ck_assert_int_eq(link_remove_bridge(link_, "br0"), 0);
	ck_assert(!exists("br0"));
	ck_assert_int_eq(link_remove_bridge(link_, "br0"), 0);
}
END_TEST

START_TEST(interface_that_is_not_there_is_named_so)
{
	struct prefix	  prefix = P("10.4.2.1/24");
	struct link_facts facts;

	ck_assert_int_eq(link_index(link_, "none"), -ENODEV);
	ck_assert_int_eq(link_look(link_, "none", &facts), -ENODEV);
	ck_assert_int_eq(link_set_up(link_, "none", 1400), -ENODEV);
	ck_assert_int_eq(link_add_address(link_, "none", &prefix), -ENODEV);
	ck_assert_int_eq(link_remove_address(link_, "none", &prefix), 0);
	ck_assert_int_eq(link_index(link_, "lo"), 1);
}
END_TEST

static const char *const addresses[] = { "10.4.2.1/24", "10.9.9.9/32",
	"fd04:2::1/64", "fd09::9/128" };

START_TEST(address_added_twice_and_removed_twice)
{
	struct prefix address = P(addresses[_i]);
	struct tapdev dev;

	ck_assert_int_eq(tapdev_open(&dev, "hands0", CONF_TUN, 1, 0), 0);
	ck_assert_int_eq(link_set_up(link_, "hands0", 1400), 0);
	ck_assert_int_eq(look("hands0").mtu, 1400);
	ck_assert_int_eq(link_add_address(link_, "hands0", &address), 0);
	ck_assert_int_eq(link_add_address(link_, "hands0", &address), 0);
	ck_assert(has_address("hands0", addresses[_i]));
	ck_assert_int_eq(link_remove_address(link_, "hands0", &address), 0);
	ck_assert_int_eq(link_remove_address(link_, "hands0", &address), 0);
	ck_assert(!has_address("hands0", addresses[_i]));
	tapdev_close(&dev);
}
END_TEST

static const char *const networks[] = { "10.0.7.0/24", "10.0.7.5/32",
	"0.0.0.0/0", "fd07::/64", "fd07::5/128", "::/0" };

START_TEST(route_added_twice_and_removed_twice)
{
	struct prefix network = P(networks[_i]);
	struct tapdev dev, other;

	ck_assert_int_eq(tapdev_open(&dev, "hands0", CONF_TUN, 1, 0), 0);
	ck_assert_int_eq(tapdev_open(&other, "other0", CONF_TUN, 1, 0), 0);
	ck_assert_int_eq(link_set_up(link_, "hands0", 1400), 0);
	ck_assert_int_eq(link_set_up(link_, "other0", 1400), 0);
	ck_assert_int_eq(set_route("hands0", &network), 1);
	ck_assert_int_eq(set_route("hands0", &network), 0);
	ck_assert_int_eq(count_routes(networks[_i], "hands0"), 1);

	/* Somebody else's stays alone, and ours is refused. */
	ck_assert_int_eq(set_route("other0", &network), -EEXIST);
	ck_assert_int_eq(count_routes(networks[_i], NULL), 1);
	ck_assert_int_eq(count_routes(networks[_i], "hands0"), 1);
	ck_assert_int_eq(set_route("other0", NULL), 0);
	ck_assert_int_eq(count_routes(networks[_i], "hands0"), 1);

	ck_assert_int_eq(set_route("hands0", NULL), 0);
	ck_assert_int_eq(set_route("hands0", NULL), 0);
	ck_assert_int_eq(count_routes(networks[_i], NULL), 0);
	tapdev_close(&dev);
	tapdev_close(&other);
}
END_TEST

static const struct {
	const char *what, *network, *found, *ifname;
} overlaps[] = {
	{ "the same", "10.0.7.0/24", "10.0.7.0/24", "lan0" },
	{ "a part", "10.0.7.128/25", "10.0.7.0/24", "lan0" },
	{ "around it", "10.0.0.0/16", "10.0.7.0/24", "lan0" },
	{ "around both: the longer", "0.0.0.0/0", "192.168.1.64/26", "lan1" },
	{ "beside it", "10.0.8.0/24", NULL, NULL },
	{ "IPv6", "fd07::/32", "fd07::/64", "lan0" },
	{ "IPv6 beside it", "fd07:1::/64", NULL, NULL },
	{ "loopback", "127.0.0.0/8", NULL, NULL },
	{ "a loopback network of the host", "10.255.0.0/16", NULL, NULL },
	{ "link-local", "169.254.0.0/16", NULL, NULL },
	{ "link-local IPv6", "fe80::/64", NULL, NULL },
	{ "that of the device itself", "10.4.2.0/24", NULL, NULL },
};

START_TEST(overlap_says_which_network_and_where)
{
	struct prefix	 own = P("10.255.0.1/32");
	struct link_lans lans;

	make_lan("lan0", "10.0.7.1/24", "fd07::1/64");
	make_lan("lan1", "192.168.1.65/26", "169.254.3.3/16");
	make_lan("hands0", "10.4.2.1/24", NULL);
	ck_assert_int_eq(link_add_address(link_, "lo", &own), 0);
	ck_assert_int_eq(link_get_lans(link_, "hands0", &lans), 0);
	for (size_t i = 0; i < nitems(overlaps); i++) {
		struct prefix network = P(overlaps[i].network);
		const struct link_lan *lan = link_find_lan(&lans, &network);
		char		       text[PREFIX_STRLEN];

		ck_assert_msg((lan != NULL) == (overlaps[i].found != NULL),
		    "%s", overlaps[i].what);
		if (lan == NULL)
			continue;
		prefix_print(&lan->network, text, sizeof(text));
		ck_assert_msg(strcmp(text, overlaps[i].found) == 0 &&
			strcmp(lan->ifname, overlaps[i].ifname) == 0,
		    "%s: %s of %s", overlaps[i].what, text, lan->ifname);
	}
	free(lans.v);
}
END_TEST

/* ------------------------------------------------- journal, forwarding */

static void
note_and_make_bridge(void)
{
	struct journal *journal = journal_open(journal_path);
	struct link    *own = link_open();

	if (journal != NULL && own != NULL &&
	    journal_bridge(journal, "br0", bridge_mac) == 0)
		link_make_bridge(own, "br0", bridge_mac);
}

START_TEST(bridge_of_a_killed_run_is_swept)
{
	struct journal *journal;

	killed_after(note_and_make_bridge);
	ck_assert(exists("br0"));
	ck_assert_int_eq(access(journal_path, F_OK), 0);
	journal = journal_open(journal_path);
	ck_assert_ptr_nonnull(journal);
	ck_assert(!exists("br0"));
	ck_assert_int_eq(access(journal_path, F_OK), -1);
	journal_undo(journal);
}
END_TEST

START_TEST(bridge_with_a_port_or_of_somebody_else_stays)
{
	static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 2 };
	struct journal	    *journal;
	struct tapdev	     dev;

	killed_after(note_and_make_bridge);
	ck_assert_int_eq(tapdev_open(&dev, "lan0", CONF_TAP, 1, 0), 0);
	ck_assert_int_eq(link_enslave(link_, "lan0", "br0"), 0);
	journal = journal_open(journal_path);
	ck_assert(exists("br0"));
	journal_undo(journal);
	ck_assert(exists("br0"));
	tapdev_close(&dev);
	ck_assert_int_eq(link_remove_bridge(link_, "br0"), 0);

	/* The same name, made again by hand after the crash. */
	killed_after(note_and_make_bridge);
	ck_assert_int_eq(link_remove_bridge(link_, "br0"), 0);
	ck_assert_int_eq(link_make_bridge(link_, "br0", other_mac), 0);
	journal_undo(journal_open(journal_path));
	ck_assert(exists("br0"));
}
END_TEST

static const char *const forwarding_keys[] = {
	"net/ipv4/ip_forward",
	"net/ipv4/conf/all/accept_redirects",
	"net/ipv4/conf/lan0/forwarding",
	"net/ipv4/conf/lan1/forwarding",
	"net/ipv6/conf/all/forwarding",
	"net/ipv6/conf/lan0/forwarding",
	"net/ipv6/conf/lan1/forwarding",
	"net/ipv6/conf/lan0/accept_ra",
	"net/ipv6/conf/lan1/accept_ra",
	"net/ipv6/conf/default/accept_ra",
};

static char before[nitems(forwarding_keys)][16];

/* A host with settings of its own: none of them may be lost. */
static void
make_odd_host(void)
{
	make_lan("lan0", NULL, NULL);
	make_lan("lan1", NULL, NULL);
	set("net/ipv4/ip_forward", "0");
	set("net/ipv4/conf/all/accept_redirects", "0");
	set("net/ipv4/conf/lan1/forwarding", "1");
	set("net/ipv6/conf/all/forwarding", "0");
	set("net/ipv6/conf/lan1/forwarding", "1");
	set("net/ipv6/conf/lan0/accept_ra", "1");
	set("net/ipv6/conf/lan1/accept_ra", "0");
	set("net/ipv6/conf/default/accept_ra", "1");
	for (size_t i = 0; i < nitems(forwarding_keys); i++)
		strlcpy(before[i], sysctl(forwarding_keys[i]), 16);
}

static void
assert_as_before(void)
{
	for (size_t i = 0; i < nitems(forwarding_keys); i++)
		ck_assert_msg(strcmp(sysctl(forwarding_keys[i]), before[i]) ==
			0,
		    "%s is %s, was %s", forwarding_keys[i],
		    sysctl(forwarding_keys[i]), before[i]);
}

static void
enable_forwarding(void)
{
	struct journal *journal = journal_open(journal_path);

	if (journal == NULL || sysctl_enable(journal, true, true) < 0)
		_exit(1);
}

START_TEST(forwarding_goes_on_and_back_with_all_that_it_touches)
{
	struct journal *journal = journal_open(journal_path);

	make_odd_host();
	ck_assert_int_eq(sysctl_enable(journal, true, true), 2);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "1");
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "1");
	ck_assert_str_eq(sysctl("net/ipv6/conf/lan0/accept_ra"), "2");
	ck_assert_str_eq(sysctl("net/ipv6/conf/lan1/accept_ra"), "0");
	/* Once more finds nothing to do. */
	ck_assert_int_eq(sysctl_enable(journal, true, true), 0);
	journal_undo(journal);
	assert_as_before();
	ck_assert_int_eq(access(journal_path, F_OK), -1);
}
END_TEST

START_TEST(forwarding_of_a_killed_run_is_swept)
{
	make_odd_host();
	killed_after(enable_forwarding);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "1");
	journal_undo(journal_open(journal_path));
	assert_as_before();
}
END_TEST

START_TEST(forwarding_of_one_family_leaves_the_other)
{
	struct journal *journal = journal_open(journal_path);

	make_odd_host();
	ck_assert_int_eq(sysctl_enable(journal, true, false), 1);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "1");
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "0");
	ck_assert_str_eq(sysctl("net/ipv6/conf/lan0/accept_ra"), "1");
	journal_undo(journal);
	assert_as_before();
}
END_TEST

START_TEST(forwarding_that_was_on_or_set_since_stays)
{
	struct journal *journal = journal_open(journal_path);

	set("net/ipv4/ip_forward", "1");
	ck_assert_int_eq(sysctl_enable(journal, true, true), 1);
	set("net/ipv6/conf/all/forwarding", "0");
	set("net/ipv6/conf/all/forwarding", "2");
	journal_undo(journal);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "1");
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "2");
}
END_TEST

/* Docker enables it and finds it enabled; so does another daemon of ours. */
START_TEST(forwarding_that_others_can_rely_on_stays)
{
	struct journal *journal = journal_open(journal_path);

	make_lan("wan0", "198.18.0.1/24", NULL);
	ck_assert_int_eq(sysctl_enable(journal, true, true), 2);
	make_lan("docker0", "172.17.0.1/16", NULL);
	journal_undo(journal);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "1");
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "0");
}
END_TEST

/* --------------------------------------------------------------- nat */

static uint16_t
checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += wire_read_u16(data + i);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* An echo request, IPv4. */
static size_t
make_ping(uint8_t *packet, const char *src, const char *dst)
{
	static const uint8_t head[20] = { 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1 };
	struct prefix	     from = P(src), to = P(dst);

	memcpy(packet, head, 20);
	memcpy(packet + 12, from.addr.bytes, 4);
	memcpy(packet + 16, to.addr.bytes, 4);
	wire_write_u16(packet + 10, checksum(packet, 20));
	memcpy(packet + 20, "\x08\0\0\0\x12\x34\0\1", 8);
	wire_write_u16(packet + 22, checksum(packet + 20, 8));
	return 28;
}

/* The same, IPv6. */
static size_t
make_ping6(uint8_t *packet, const char *src, const char *dst)
{
	static const uint8_t head[8] = { 0x60, 0, 0, 0, 0, 8, 58, 64 };
	struct prefix	     from = P(src), to = P(dst);
	uint8_t		     pseudo[48] = { 0 };

	memcpy(packet, head, 8);
	memcpy(packet + 8, from.addr.bytes, 16);
	memcpy(packet + 24, to.addr.bytes, 16);
	memcpy(packet + 40, "\x80\0\0\0\x12\x34\0\1", 8);
	memcpy(pseudo, packet + 8, 32);
	pseudo[35] = 8;
	pseudo[39] = 58;
	memcpy(pseudo + 40, packet + 40, 8);
	wire_write_u16(packet + 42, checksum(pseudo, 48));
	return 48;
}

/* The source of the next ping that comes out of `fd`; false: none does. */
static bool
read_source(int fd, struct addr *source)
{
	bool	      v4 = source->family == AF_INET;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint8_t	      packet[2048];

	while (poll(&pfd, 1, 2000) == 1) {
		ssize_t n = read(fd, packet, sizeof(packet));

		/* Not the kernel's own (MLD, router solicitations). */
		if (n != (v4 ? 28 : 48) || packet[0] >> 4 != (v4 ? 4 : 6) ||
		    (!v4 && packet[40] != 0x80))
			continue;
		memcpy(source->bytes, packet + (v4 ? 12 : 8), v4 ? 4 : 16);
		return true;
	}
	return false;
}

/* Writes a ping into `in`; the source of what comes out of `out`. */
static const char *
source_after(int in, int out, const char *src, const char *dst)
{
	static char   text[ADDR_STRLEN];
	struct prefix from = P(src);
	struct addr   source = { .family = from.addr.family };
	uint8_t	      packet[64];
	size_t len = from.addr.family == AF_INET ? make_ping(packet, src, dst) :
						   make_ping6(packet, src, dst);

	ck_assert_int_eq(write(in, packet, len), (ssize_t)len);
	if (!read_source(out, &source))
		return "nothing";
	return addr_print(&source, text, sizeof(text));
}

static struct prefix tunnel_networks[2], subnets[2];

static struct conf_site nat_sites[] = {
	{ .name = "berlin", .subnets = { &subnets[0], 2 } },
	{ .name = "away", .disabled = true },
};

static struct conf
make_nat_conf(void)
{
	struct conf conf = make_conf(CONF_SERVER, CONF_TUN);

	tunnel_networks[0] = P("10.4.2.0/24");
	tunnel_networks[1] = P("fd04:2::/64");
	subnets[0] = P("10.0.7.0/24");
	subnets[1] = P("10.0.7.64/26"); /* in the other one */
	conf.tunnel_networks = (struct conf_prefixes) { tunnel_networks, 2 };
	conf.nat = true;
	conf.sites = nat_sites;
	conf.nsites = nitems(nat_sites);
	return conf;
}

static const struct {
	const char *what, *src, *dst, *seen;
} translations[] = {
	{ "from the tunnel network", "10.4.2.2", "198.51.100.9",
	    "198.51.100.1" },
	{ "from a site's subnet", "10.0.7.5", "198.51.100.9", "198.51.100.1" },
	{ "from a part of it", "10.0.7.70", "198.51.100.9", "198.51.100.1" },
	{ "from elsewhere", "10.0.9.5", "198.51.100.9", "10.0.9.5" },
	{ "from the tunnel network, IPv6", "fd04:2::2", "2001:db8::9",
	    "2001:db8::1" },
};

START_TEST(what_leaves_by_another_interface_is_translated)
{
	struct conf	conf = make_nat_conf();
	struct network *network;
	struct prefix	out4 = P("198.51.100.1/24");
	struct prefix	out6 = P("2001:db8::1/64");
	struct tapdev	out;
	int		in;

	/* We write packets, without a virtio_net_hdr. */
	conf.no_offloads = ~0u;
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	in = network_device(network)->queues[0];
	ck_assert_int_eq(tapdev_open(&out, "out0", CONF_TUN, 1, ~0u), 0);
	ck_assert_int_eq(link_set_up(link_, "out0", 1500), 0);
	ck_assert_int_eq(link_add_address(link_, "out0", &out4), 0);
	ck_assert_int_eq(link_add_address(link_, "out0", &out6), 0);
	ck_assert_int_eq(count_lines("ip route add 10.0.9.0/24 dev hands0", ""),
	    0);
	/* Until then the kernel masquerades with another interface's address. */
	while (!find_address("out0", "2001:db8::1/64", true))
		usleep(1000);
	for (size_t i = 0; i < nitems(translations); i++) {
		const char *seen = source_after(in, out.queues[0],
		    translations[i].src, translations[i].dst);

		ck_assert_msg(strcmp(seen, translations[i].seen) == 0,
		    "%s: %s", translations[i].what, seen);
	}

	conf.nat = false;
	network_reconfigure(network, &conf);
	ck_assert_str_eq(source_after(in, out.queues[0], "10.4.2.7",
			     "198.51.100.9"),
	    "10.4.2.7");
	tapdev_close(&out);
	network_free(network);
}
END_TEST

static struct nat *
new_nat(const char *device, const struct conf *conf)
{
	struct nat *nat = NULL;

	(void)nat_reconfigure(&nat, device, conf);
	return nat;
}

START_TEST(table_is_ours_alone_and_goes_with_us)
{
	static const char *const attacks[] = {
		"delete table inet tombolo_hands0",
		"flush table inet tombolo_hands0",
		"flush chain inet tombolo_hands0 out",
		"flush set inet tombolo_hands0 sources4",
	};
	struct conf conf = make_nat_conf();
	struct nat *nat = new_nat("hands0", &conf);

	ck_assert_ptr_nonnull(nat);
	ck_assert(ruleset_has("table inet tombolo_hands0"));
	ck_assert(ruleset_has("flags owner"));
	ck_assert(ruleset_has("10.0.7.0/24"));
	for (size_t i = 0; i < nitems(attacks); i++) {
		char *out = run_nft(attacks[i]);

		ck_assert_msg(out == NULL, "%s", attacks[i]);
		free(out);
	}
	free(run_nft("flush ruleset"));
	ck_assert(ruleset_has("masquerade"));
	ck_assert_ptr_null(new_nat("hands0", &conf));

	subnets[0] = P("10.0.8.0/24");
	subnets[1] = P("fd08::/64");
	ck_assert(nat_reconfigure(&nat, "hands0", &conf));
	ck_assert(ruleset_has("10.0.8.0/24"));
	ck_assert(ruleset_has("fd08::/64"));
	ck_assert(!ruleset_has("10.0.7.0/24"));
	conf.tunnel_networks.n = 0;
	conf.nsites = 0;
	ck_assert(nat_reconfigure(&nat, "hands0", &conf));
	ck_assert(!ruleset_has("10."));
	ck_assert(ruleset_has("masquerade"));

	nat_free(nat);
	ck_assert(!ruleset_has("tombolo"));
}
END_TEST

static void
make_nat(void)
{
	struct conf conf = make_nat_conf();

	if (new_nat("hands0", &conf) == NULL || !ruleset_has("tombolo"))
		_exit(1);
}

START_TEST(table_of_a_killed_run_is_gone)
{
	killed_after(make_nat);
	ck_assert(!ruleset_has("tombolo"));
}
END_TEST

START_TEST(device_names_that_nftables_might_not_like)
{
	static const char *const names[] = { "tun-0", "tun_0", "tun.5", "0tun",
		"a--b", "table", "accept", "15characterslng" };
	struct conf conf = make_nat_conf();
	struct nat *nats[nitems(names)];

	for (size_t i = 0; i < nitems(names); i++) {
		nats[i] = new_nat(names[i], &conf);
		ck_assert_msg(nats[i] != NULL, "%s", names[i]);
		ck_assert_msg(ruleset_has(names[i]), "%s", names[i]);
	}
	for (size_t i = 0; i < nitems(names); i++)
		nat_free(nats[i]);
}
END_TEST

/* ------------------------------------------------------- network: tap */

static const struct {
	const char *what;
	unsigned    bridge_mtu, conf_mtu, mtu;
} mtus[] = {
	{ "the usual one", 1500, 0, 1500 },
	{ "a jumbo bridge", 9000, 0, 9000 },
	{ "a small bridge", 1400, 0, 1400 },
	{ "a smaller one is asked for", 1500, 1300, 1500 },
	{ "a larger one is asked for", 1500, 9000, 1500 },
};

START_TEST(tap_joins_a_bridge_and_changes_nothing_of_it)
{
	struct conf	conf = make_conf(CONF_SERVER, CONF_TAP);
	struct prefix	address = P("10.0.7.1/24");
	struct network *network;
	struct tapdev	lan;
	uint8_t		old_mac[6], new_mac[6];

	ck_assert_int_eq(link_make_bridge(link_, "br0", bridge_mac), 0);
	ck_assert_int_eq(tapdev_open(&lan, "lan0", CONF_TAP, 1, 0), 0);
	ck_assert_int_eq(link_set_up(link_, "lan0", mtus[_i].bridge_mtu), 0);
	ck_assert_int_eq(link_enslave(link_, "lan0", "br0"), 0);
	ck_assert_int_eq(link_set_up(link_, "br0", 0), 0);
	ck_assert_int_eq(look("br0").mtu, (int)mtus[_i].bridge_mtu);
	ck_assert_int_eq(link_add_address(link_, "br0", &address), 0);
	memcpy(old_mac, look("br0").mac, 6);

	strlcpy(conf.bridge, "br0", sizeof(conf.bridge));
	conf.mtu = mtus[_i].conf_mtu;
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_uint_eq(network_device(network)->nqueues, 2);
	ck_assert_uint_eq(network_device(network)->mtu, mtus[_i].mtu);
	ck_assert_int_eq(look("hands0").mtu, (int)mtus[_i].mtu);
	ck_assert_int_eq(look("br0").mtu, (int)mtus[_i].bridge_mtu);
	memcpy(new_mac, look("br0").mac, 6);
	ck_assert_mem_eq(old_mac, new_mac, 6);
	ck_assert(look("hands0").is_up);
	ck_assert_str_eq(sysctl("net/ipv6/conf/hands0/disable_ipv6"), "1");
	ck_assert_int_eq(link_remove_bridge(link_, "br0"), -EBUSY);
	ck_assert_int_eq(access(journal_path, F_OK), -1);

	network_free(network);
	ck_assert(!exists("hands0"));
	ck_assert(exists("br0"));
	ck_assert_int_eq(look("br0").mtu, (int)mtus[_i].bridge_mtu);
	ck_assert(has_address("br0", "10.0.7.1/24"));
	tapdev_close(&lan);
}
END_TEST

/* Made without an address of its own, the bridge takes the lowest port's. */
START_TEST(tap_does_not_lend_a_bridge_its_address)
{
	struct conf	conf = make_conf(CONF_CLIENT, CONF_TAP);
	struct nl_sock *sock = nl_socket_alloc();
	struct rtnl_link *bridge = rtnl_link_alloc();
	struct network	 *network;
	struct tapdev	  lan;
	struct ifreq	  ifr = { .ifr_hwaddr.sa_family = 1 };
	uint8_t		  mac[6];

	ck_assert_int_eq(nl_connect(sock, NETLINK_ROUTE), 0);
	rtnl_link_set_name(bridge, "br0");
	ck_assert_int_eq(rtnl_link_set_type(bridge, "bridge"), 0);
	ck_assert_int_eq(rtnl_link_add(sock, bridge, NLM_F_CREATE), 0);
	rtnl_link_put(bridge);
	nl_socket_free(sock);
	ck_assert_int_eq(tapdev_open(&lan, "lan0", CONF_TAP, 1, 0), 0);
	strlcpy(ifr.ifr_name, "lan0", sizeof(ifr.ifr_name));
	/* A local address of the higher kind, as virtual cards have it. */
	memcpy(ifr.ifr_hwaddr.sa_data, "\xfa\x16\x3e\x01\x02\x03", 6);
	ck_assert_int_eq(ioctl(lan.queues[0], SIOCSIFHWADDR, &ifr), 0);
	ck_assert_int_eq(link_enslave(link_, "lan0", "br0"), 0);
	memcpy(mac, look("br0").mac, 6);
	ck_assert_mem_eq(mac, "\xfa\x16\x3e\x01\x02\x03", 6);

	strlcpy(conf.bridge, "br0", sizeof(conf.bridge));
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	memcpy(mac, look("br0").mac, 6);
	ck_assert_mem_eq(mac, "\xfa\x16\x3e\x01\x02\x03", 6);
	network_free(network);
	tapdev_close(&lan);
}
END_TEST

static struct network *
new_with_bridge(struct conf *conf)
{
	*conf = make_conf(CONF_SERVER, CONF_TAP);
	strlcpy(conf->bridge, "br0", sizeof(conf->bridge));
	conf->create_bridge = true;
	conf->mtu = 1450;
	return network_new(conf, journal_path);
}

static void
start_with_bridge(void)
{
	static struct conf conf;

	if (new_with_bridge(&conf) == NULL || !exists("br0"))
		_exit(1);
}

START_TEST(tap_makes_its_bridge_and_takes_it_away)
{
	struct conf	conf;
	struct network *network = new_with_bridge(&conf);

	ck_assert_ptr_nonnull(network);
	ck_assert(look("br0").is_bridge);
	ck_assert(look("br0").is_up);
	ck_assert_int_eq(look("br0").mtu, 1450);
	ck_assert_int_eq(link_remove_bridge(link_, "br0"), -EBUSY);
	ck_assert_int_eq(access(journal_path, F_OK), 0);
	network_free(network);
	ck_assert(!exists("br0"));
	ck_assert(!exists("hands0"));
	ck_assert_int_eq(access(journal_path, F_OK), -1);

	killed_after(start_with_bridge);
	ck_assert(exists("br0"));
	ck_assert(!exists("hands0"));
	network = new_with_bridge(&conf);
	ck_assert_ptr_nonnull(network);
	network_free(network);
	ck_assert(!exists("br0"));
}
END_TEST

START_TEST(tap_without_a_bridge_has_its_addresses)
{
	struct conf	conf = make_conf(CONF_CLIENT, CONF_TAP);
	struct prefix	list[] = { P("10.0.7.2/24"), P("fd07::2/64") };
	struct network *network;

	conf.addresses = (struct conf_prefixes) { list, 2 };
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert(has_address("hands0", "10.0.7.2/24"));
	ck_assert(has_address("hands0", "fd07::2/64"));
	ck_assert_int_eq(look("hands0").mtu, 1500);
	network_free(network);
}
END_TEST

static void
fail_with_lo(struct conf *conf)
{
	conf->mode = CONF_TAP;
	strlcpy(conf->bridge, "lo", sizeof(conf->bridge));
}

static void
fail_with_taken_name(struct conf *conf)
{
	strlcpy(conf->device, "lo", sizeof(conf->device));
}

static void
fail_with_lan(struct conf *conf)
{
	static struct prefix lan;

	lan = P("192.168.7.0/28");
	conf->tunnel_networks = (struct conf_prefixes) { &lan, 1 };
	conf->create_bridge = true;
}

static void
fail_late(struct conf *conf)
{
	static struct prefix bad;

	/* The bridge is made and joined; then an address that cannot be. */
	bad = P("ff02::1/64");
	conf->mode = CONF_TAP;
	strlcpy(conf->bridge, "br9", sizeof(conf->bridge));
	conf->create_bridge = true;
	conf->addresses = (struct conf_prefixes) { &bad, 1 };
}

static void
fail_for_nat(struct conf *conf)
{
	/* Somebody has a table of that name already. */
	free(run_nft("add table inet tombolo_hands0"));
	conf->nat = true;
	conf->forward = CONF_YES;
}

static const struct {
	const char *what;
	void (*spoil)(struct conf *conf);
} failures[] = {
	{ "the bridge is no bridge", fail_with_lo },
	{ "the device's name is taken", fail_with_taken_name },
	{ "the tunnel network is that of a LAN", fail_with_lan },
	{ "the last step fails", fail_late },
	{ "the table's name is taken", fail_for_nat },
};

START_TEST(start_that_fails_leaves_nothing)
{
	struct conf conf = make_conf(CONF_SERVER, CONF_TUN);

	make_lan("lan0", "192.168.7.1/24", NULL);
	failures[_i].spoil(&conf);
	ck_assert_msg(network_new(&conf, journal_path) == NULL, "%s",
	    failures[_i].what);
	ck_assert(!exists("hands0"));
	ck_assert(!exists("br9"));
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "0");
	ck_assert_int_eq(access(journal_path, F_OK), -1);
	ck_assert(has_address("lan0", "192.168.7.1/24"));
}
END_TEST

/* ------------------------------------------------------- network: tun */

START_TEST(tun_server_has_addresses_routes_forwarding)
{
	struct conf	conf = make_nat_conf();
	struct prefix	behind = P("192.168.60.0/24"), extra = P("10.7.7.7/32");
	struct network *network;

	make_lan("lan0", "192.168.60.1/24", NULL);
	nat_sites[1].subnets = (struct conf_prefixes) { &subnets[1], 1 };
	subnets[1] = P("fd09::/64");
	conf.networks = (struct conf_prefixes) { &behind, 1 };
	conf.addresses = (struct conf_prefixes) { &extra, 1 };
	conf.nat = false;
	nat_sites[0].subnets.n = 1;
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_int_eq(look("hands0").mtu, 1400);
	ck_assert(has_address("hands0", "10.4.2.1/24"));
	ck_assert(has_address("hands0", "fd04:2::1/64"));
	ck_assert(has_address("hands0", "10.7.7.7/32"));
	ck_assert_str_eq(sysctl("net/ipv6/conf/hands0/accept_ra"), "0");
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "1");
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "0");
	ck_assert(!ruleset_has("tombolo"));
	network_free(network);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "0");

	network = network_new(&conf, journal_path);
	ck_assert_int_eq(count_routes("10.0.7.0/24", "hands0"), 1);
	ck_assert_int_eq(count_routes("fd09::/64", NULL), 0);
	ck_assert_int_eq(count_routes("10.4.2.0/24", "hands0"), 1);
	nat_sites[1].disabled = false;
	conf.nat = true;
	network_reconfigure(network, &conf);
	ck_assert_int_eq(count_routes("fd09::/64", "hands0"), 1);
	ck_assert(ruleset_has("fd09::/64"));
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "1");
	nat_sites[0].disabled = true;
	network_reconfigure(network, &conf);
	ck_assert_int_eq(count_routes("10.0.7.0/24", NULL), 0);
	ck_assert_int_eq(count_routes("fd09::/64", "hands0"), 1);
	ck_assert(!ruleset_has("10.0.7.0/24"));
	network_free(network);
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "0");
	ck_assert_int_eq(count_routes("10.4.2.0/24", NULL), 0);
	ck_assert(!ruleset_has("tombolo"));
}
END_TEST

START_TEST(subnet_of_the_servers_own_lan_does_not_take_it_away)
{
	struct conf	conf = make_nat_conf();
	struct network *network;

	make_lan("lan0", "10.0.7.1/24", NULL);
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_int_eq(count_routes("10.0.7.0/24", "lan0"), 1);
	ck_assert_int_eq(count_routes("10.0.7.0/24", "hands0"), 0);
	ck_assert_int_eq(count_routes("10.0.7.64/26", "hands0"), 1);
	network_free(network);
	ck_assert_int_eq(count_routes("10.0.7.0/24", "lan0"), 1);
}
END_TEST

static const struct {
	const char     *what;
	enum conf_role	role;
	enum conf_auto	forward;
	const char     *behind;
	bool		nat;
	const char     *v4, *v6;
} forwards[] = {
	{ "a server alone", CONF_SERVER, CONF_AUTO, NULL, false, "0", "0" },
	{ "with a network", CONF_SERVER, CONF_AUTO, "10.0.8.0/24", false, "1",
	    "0" },
	{ "with an IPv6 network", CONF_SERVER, CONF_AUTO, "fd08::/64", false,
	    "0", "1" },
	{ "with nat", CONF_SERVER, CONF_AUTO, NULL, true, "1", "1" },
	{ "never", CONF_SERVER, CONF_NO, "10.0.8.0/24", false, "0", "0" },
	{ "always", CONF_SERVER, CONF_YES, NULL, false, "1", "1" },
	{ "a client alone", CONF_CLIENT, CONF_AUTO, NULL, false, "0", "0" },
	{ "a client with a subnet", CONF_CLIENT, CONF_AUTO, "10.0.8.0/24",
	    false, "1", "0" },
	{ "a client, always", CONF_CLIENT, CONF_YES, NULL, false, "1", "1" },
};

START_TEST(forwarding_is_on_where_somebody_is_behind)
{
	struct conf	conf = make_nat_conf();
	struct network *network;
	struct prefix	behind;

	conf.role = forwards[_i].role;
	conf.forward = forwards[_i].forward;
	conf.nat = forwards[_i].nat;
	if (forwards[_i].behind != NULL) {
		behind = P(forwards[_i].behind);
		if (conf.role == CONF_SERVER)
			conf.networks = (struct conf_prefixes) { &behind, 1 };
		else
			conf.subnets = (struct conf_prefixes) { &behind, 1 };
	}
	if (conf.role == CONF_CLIENT)
		conf.tunnel_networks.n = conf.nsites = 0;
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_msg(strcmp(sysctl("net/ipv4/ip_forward"), forwards[_i].v4) ==
		0,
	    "%s: IPv4", forwards[_i].what);
	ck_assert_msg(strcmp(sysctl("net/ipv6/conf/all/forwarding"),
			  forwards[_i].v6) == 0,
	    "%s: IPv6", forwards[_i].what);
	network_free(network);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "0");
	ck_assert_str_eq(sysctl("net/ipv6/conf/all/forwarding"), "0");
}
END_TEST

/* Space-separated; what is assigned, and what comes of it. */
static int
assign(struct network *network, const char *addrs, const char *routes,
    char *why, size_t why_size)
{
	static struct request_network assignment;
	struct prefix *lists[] = { assignment.addresses, assignment.routes };
	size_t	       n[2] = { 0, 0 };
	const char    *texts[2] = { addrs, routes };

	for (int i = 0; i < 2; i++) {
		char *copy = strdup(texts[i]), *rest = copy, *word;

		while ((word = strsep(&rest, " ")) != NULL) {
			if (word[0] != '\0')
				lists[i][n[i]++] = P(word);
		}
		free(copy);
	}
	assignment.naddresses = (uint32_t)n[0];
	assignment.nroutes = (uint32_t)n[1];
	return network_assign(network, &assignment, why, why_size);
}

START_TEST(host_without_ipv6_still_has_ipv4)
{
	struct conf	conf = make_nat_conf();
	struct network *network;
	char		why[256];

	set("net/ipv6/conf/all/disable_ipv6", "1");
	set("net/ipv6/conf/default/disable_ipv6", "1");
	subnets[1] = P("fd07::/64");
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert(has_address("hands0", "10.4.2.1/24"));
	ck_assert_int_eq(count_routes("10.0.7.0/24", "hands0"), 1);
	network_free(network);

	conf = make_conf(CONF_CLIENT, CONF_TUN);
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_int_eq(assign(network, "10.4.2.2/24 fd04:2::2/64",
			     "10.0.8.0/24 fd08::/64", why, sizeof(why)),
	    0);
	ck_assert(has_address("hands0", "10.4.2.2/24"));
	network_free(network);
}
END_TEST

/* As in a container: what is on already is enough, what is needed is said. */
START_TEST(settings_that_are_read_only_fail_only_where_they_are_needed)
{
	struct conf	tap = make_conf(CONF_SERVER, CONF_TAP);
	struct conf	tun = make_nat_conf();
	struct prefix	behind = P("192.168.60.0/24");
	struct network *network;

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL),
	    0);
	ck_assert_int_eq(mount(NULL, "/proc/sys", NULL,
			     MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
	    0);
	ck_assert_int_eq(sysctl_write("net/ipv4/ip_forward", "1"),
	    -EROFS);

	strlcpy(tap.bridge, "br0", sizeof(tap.bridge));
	tap.create_bridge = true;
	network = network_new(&tap, journal_path);
	ck_assert_ptr_nonnull(network);
	network_free(network);

	tun.nat = false;
	network = network_new(&tun, journal_path);
	ck_assert_ptr_nonnull(network);
	network_free(network);

	tun.networks = (struct conf_prefixes) { &behind, 1 };
	ck_assert_ptr_null(network_new(&tun, journal_path));
	ck_assert(!exists("hands0"));
	ck_assert_int_eq(access(journal_path, F_OK), -1);

	ck_assert_int_eq(umount("/proc/sys"), 0);
	set("net/ipv4/ip_forward", "1");
	ck_assert_int_eq(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL),
	    0);
	ck_assert_int_eq(mount(NULL, "/proc/sys", NULL,
			     MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
	    0);
	network = network_new(&tun, journal_path);
	ck_assert_ptr_nonnull(network);
	network_free(network);
	ck_assert_str_eq(sysctl("net/ipv4/ip_forward"), "1");
}
END_TEST

/* -------------------------------------------------- a client's assignment */

static struct network *
new_client(struct conf *conf)
{
	static char	server[] = "198.18.0.1";
	struct network *network;

	*conf = make_conf(CONF_CLIENT, CONF_TUN);
	conf->servers[0].host = server;
	conf->nservers = 1;
	make_lan("lan0", "10.0.7.1/24", "fd07::1/64");
	make_lan("wan0", "198.18.0.2/24", NULL);
	network = network_new(conf, journal_path);
	ck_assert_ptr_nonnull(network);
	return network;
}

START_TEST(assignment_replaces_the_one_before)
{
	struct conf	conf;
	struct network *network = new_client(&conf);
	char		why[256];

	ck_assert_int_eq(assign(network, "10.4.2.2/24 fd04:2::2/64",
			     "10.0.8.0/24 fd08::/64 10.4.2.0/24", why,
			     sizeof(why)),
	    0);
	ck_assert_str_eq(why, "");
	ck_assert(has_address("hands0", "10.4.2.2/24"));
	ck_assert(has_address("hands0", "fd04:2::2/64"));
	ck_assert_int_eq(count_routes("10.0.8.0/24", "hands0"), 1);
	ck_assert_int_eq(count_routes("fd08::/64", "hands0"), 1);
	ck_assert_int_eq(count_routes("10.4.2.0/24", "hands0"), 1);

	ck_assert_int_eq(assign(network, "10.4.2.2/24",
			     "10.0.9.0/24 fd08::/64", why, sizeof(why)),
	    0);
	ck_assert_int_eq(count_routes("10.0.8.0/24", NULL), 0);
	ck_assert_int_eq(count_routes("10.0.9.0/24", "hands0"), 1);
	ck_assert_int_eq(count_routes("fd08::/64", "hands0"), 1);
	ck_assert(!has_address("hands0", "fd04:2::2/64"));

	/* Another address of the same network: the first one's goes, and with
	 * it, in the kernel's view, everything. */
	ck_assert_int_eq(assign(network, "10.4.2.3/24", "10.0.9.0/24", why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(count_routes("10.0.9.0/24", "hands0"), 1);
	ck_assert_int_eq(count_routes("10.4.2.0/24", "hands0"), 1);
	ck_assert(has_address("hands0", "10.4.2.3/24"));
	network_free(network);
	ck_assert_int_eq(count_routes("10.0.9.0/24", NULL), 0);
	ck_assert_int_eq(count_routes("10.0.7.0/24", "lan0"), 1);
}
END_TEST

static const struct {
	const char *what, *addresses, *routes, *why;
} refusals[] = {
	{ "an address in the LAN", "10.0.7.9/24", "", "on lan0" },
	{ "everything", "", "0.0.0.0/0", "accept-default-route" },
	{ "everything, in halves", "", "0.0.0.0/1 128.0.0.0/1",
	    "accept-default-route" },
	{ "everything of IPv6", "", "::/0", "accept-default-route" },
	{ "all of the IPv6 that there is", "", "2000::/3",
	    "accept-default-route" },
	{ "loopback", "", "127.0.0.0/8", "never leaves" },
	{ "a loopback address", "127.0.0.1/8", "", "never leaves" },
	{ "link-local", "", "169.254.169.254/32", "never leaves" },
	{ "link-local IPv6", "", "fe80::/10", "never leaves" },
	{ "multicast", "", "224.0.0.0/4", "never leaves" },
	{ "a multicast address", "239.1.2.3/32", "", "never leaves" },
	{ "IPv4 in IPv6", "", "::ffff:10.0.0.0/104", "never leaves" },
	{ "an address for everything", "10.4.2.2/0", "", "no sense" },
	{ "one good, one bad", "10.4.2.9/24", "10.0.99.0/24 127.0.0.0/8",
	    "never leaves" },
};

START_TEST(assignment_that_is_refused_changes_nothing)
{
	struct conf	conf;
	struct network *network = new_client(&conf);
	char		why[256];
	int		r;

	ck_assert_int_eq(count_lines("ip route add 10.50.0.0/16 dev lan0", ""),
	    0);
	ck_assert_int_eq(count_lines("ip -6 route add fd50::/32 dev lan0", ""),
	    0);
	ck_assert_int_eq(assign(network, "10.4.2.2/24",
			     "10.0.8.0/24 fd08::/64", why, sizeof(why)),
	    0);
	r = assign(network, refusals[_i].addresses, refusals[_i].routes, why,
	    sizeof(why));
	ck_assert_msg(r < 0, "%s", refusals[_i].what);
	ck_assert_msg(strstr(why, refusals[_i].why) != NULL, "%s: %s",
	    refusals[_i].what, why);
	ck_assert_int_eq(count_routes("10.0.8.0/24", "hands0"), 1);
	ck_assert_int_eq(count_routes("fd08::/64", "hands0"), 1);
	ck_assert_int_eq(count_routes("10.4.2.0/24", "hands0"), 1);
	ck_assert_int_eq(count_routes("10.0.7.0/24", NULL), 1);
	ck_assert_int_eq(count_routes("10.0.98.0/24", NULL), 0);
	ck_assert_int_eq(count_routes("10.0.99.0/24", NULL), 0);
	ck_assert_int_eq(count_routes("fd98::/64", NULL), 0);
	ck_assert_int_eq(count_routes("10.50.0.0/16", NULL), 1);
	ck_assert_int_eq(count_routes("fd50::/32", NULL), 1);
	ck_assert(has_address("hands0", "10.4.2.2/24"));
	ck_assert(!has_address("hands0", "10.4.2.9/24"));
	ck_assert(!has_address("hands0", "fd04:2::9/64"));
	network_free(network);
}
END_TEST

static int
count_in_table(const char *family, const char *what)
{
	char command[128];

	snprintf(command, sizeof(command), "ip %s route show table %u", family,
	    rules_table("hands0"));
	return count_lines(command, what);
}

#define THROUGH	    "default dev hands0"
#define UNREACHABLE "unreachable default"

START_TEST(default_route_lies_in_a_table_of_our_own)
{
	struct conf	conf;
	struct network *network = new_client(&conf);
	uint32_t	table = rules_table("hands0");
	char		why[256], command[64];

	conf.accept_default_route = true;
	ck_assert_int_eq(assign(network, "10.4.2.2/24",
			     "0.0.0.0/0 ::/0 10.0.8.0/24", why, sizeof(why)),
	    0);
	ck_assert_int_eq(count_routes("0.0.0.0/0", NULL), 0);
	ck_assert_int_eq(count_routes("10.0.8.0/24", "hands0"), 1);
	ck_assert_int_eq(count_lines("ip -4 -d rule", "proto 155"), 4);
	ck_assert_int_eq(count_lines("ip -6 -d rule", "proto 155"), 4);
	ck_assert_int_eq(count_in_table("-4", THROUGH), 1);
	ck_assert_int_eq(count_in_table("-6", THROUGH), 1);
	ck_assert_int_eq(count_in_table("-4", UNREACHABLE), 1);
	ck_assert_int_eq(count_in_table("-6", UNREACHABLE), 1);

	/* Without one of IPv6 that is blocked; without any, nothing is. */
	ck_assert_int_eq(assign(network, "10.4.2.2/24", "0.0.0.0/0", why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(count_in_table("-6", THROUGH), 0);
	ck_assert_int_eq(count_in_table("-6", UNREACHABLE), 1);
	ck_assert_int_eq(assign(network, "", "", why, sizeof(why)), 0);
	ck_assert_int_eq(count_in_table("-4", "default"), 0);
	ck_assert_int_eq(count_in_table("-6", "default"), 0);

	/* Down, it is blocked, or goes by as before. */
	ck_assert_int_eq(assign(network, "10.4.2.2/24", "0.0.0.0/0", why,
			     sizeof(why)),
	    0);
	network_down(network);
	ck_assert_int_eq(count_in_table("-4", THROUGH), 1);
	conf.when_down = CONF_BYPASS;
	network_down(network);
	ck_assert_int_eq(count_in_table("-4", "default"), 0);
	ck_assert_int_eq(count_in_table("-6", "default"), 0);
	ck_assert_int_eq(count_routes("10.4.2.0/24", "hands0"), 1);
	ck_assert_int_eq(assign(network, "10.4.2.2/24", "0.0.0.0/0", why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(count_in_table("-4", THROUGH), 1);
	ck_assert_int_eq(count_in_table("-4", UNREACHABLE), 0);
	ck_assert_int_eq(count_in_table("-6", UNREACHABLE), 1);

	network_free(network);
	ck_assert_int_eq(count_lines("ip -4 -d rule", "proto 155"), 0);
	ck_assert_int_eq(count_lines("ip -6 -d rule", "proto 155"), 0);
	snprintf(command, sizeof(command), "ip -6 route show table %u", table);
	ck_assert_int_eq(count_lines(command, "default"), 0);
}
END_TEST

/* As a name it is not known at first. */
START_TEST(block_begins_when_the_server_is_known)
{
	struct conf	conf = make_conf(CONF_CLIENT, CONF_TUN);
	struct addr	addr;
	struct endpoint server;
	struct network *network;

	ck_assert(addr_parse(&addr, "203.0.113.7"));
	server = endpoint_make(&addr, 55555);
	conf.accept_default_route = true;
	conf.servers[0].host = (char[]) { "vpn.example.org" };
	conf.nservers = 1;
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	network_set_servers(network, &server, 0);
	ck_assert_int_eq(count_lines("ip -4 -d rule", "proto 155"), 0);
	network_set_servers(network, &server, 1);
	ck_assert_int_eq(count_lines("ip -4 -d rule", "proto 155"), 4);
	ck_assert_int_eq(count_in_table("-4", THROUGH), 1);
	ck_assert_int_eq(count_in_table("-4", UNREACHABLE), 1);
	ck_assert_int_eq(count_in_table("-6", UNREACHABLE), 1);
	network_free(network);

	conf.servers[0].host = (char[]) { "203.0.113.7" };
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_int_eq(count_in_table("-4", UNREACHABLE), 1);
	network_free(network);

	conf.when_down = CONF_BYPASS;
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_int_eq(count_lines("ip -4 -d rule", "proto 155"), 0);
	network_free(network);
}
END_TEST

/* A killed run's; another daemon's, and an administrator's, stay. */
START_TEST(rules_of_a_killed_run_are_swept_and_no_others)
{
	struct journal *journal = journal_open(journal_path);
	const struct rules_exempt exempt = { 0x90, 0xf0, 60613 };
	const struct prefix_set	  none = { 0 };
	const struct route_table  unreachable = { .set = &none,
		.unreachable = { true, true } };
	uint32_t table = rules_table("hands7"), other = rules_table("hands8");
	char	 text[64];

	ck_assert_int_eq(rules_add(link_, other, &exempt), 8);
	ck_assert_int_eq(count_lines("ip rule add pref 31028 lookup 7", ""), 0);
	ck_assert_int_eq(journal_policy(journal, table), 0);
	ck_assert_int_eq(rules_add(link_, table, &exempt), 8);
	/* Again is the same. */
	ck_assert_int_eq(rules_add(link_, table, &exempt), 0);
	ck_assert_int_eq(route_set(link_, table, &unreachable), 2);
	ck_assert_int_eq(route_set(link_, table, &unreachable), 0);
	ck_assert_int_eq(count_lines("ip -4 -d rule", "proto 155"), 8);
	snprintf(text, sizeof(text), "lookup %u", table);
	ck_assert_int_eq(count_lines("ip -6 -d rule", text), 1);

	/* What it knows lies in the file; it is not undone here. */
	journal_undo(journal_open(journal_path));
	ck_assert_int_eq(count_lines("ip -4 -d rule", "proto 155"), 4);
	ck_assert_int_eq(count_lines("ip -6 -d rule", "proto 155"), 4);
	ck_assert_int_eq(count_lines("ip -4 rule", text), 0);
	ck_assert_int_eq(count_lines("ip -4 rule", "31028:"), 1);
	snprintf(text, sizeof(text), "ip route show table %u", table);
	ck_assert_int_eq(count_lines(text, "default"), 0);
	snprintf(text, sizeof(text), "ip -6 route show table %u",
	    table);
	ck_assert_int_eq(count_lines(text, "default"), 0);
	journal_undo(journal);
}
END_TEST

START_TEST(strict_source_check_looks_at_the_mark_and_is_put_back)
{
	struct conf	conf;
	struct network *network;

	make_lan("strict0", "10.9.9.1/24", NULL);
	set("net/ipv4/conf/all/rp_filter", "0");
	set("net/ipv4/conf/strict0/rp_filter", "1");
	network = new_client(&conf);
	conf.accept_default_route = true;
	ck_assert_str_eq(sysctl("net/ipv4/conf/all/rp_filter"), "0");
	ck_assert_int_eq(assign(network, "10.4.2.2/24", "0.0.0.0/0",
			     (char[256]) { "" }, 256),
	    0);
	/* Its answers have our mark, and the check looks at it. */
	ck_assert_str_eq(sysctl("net/ipv4/conf/all/rp_filter"), "0");
	ck_assert_str_eq(sysctl("net/ipv4/conf/all/src_valid_mark"), "1");
	/* Of this the kernel does not tell; as often as it is looked at. */
	for (int i = 0; i < 3; i++) {
		set("net/ipv4/conf/all/src_valid_mark", "0");
		(void)network_check(network, false);
		ck_assert_str_eq(sysctl("net/ipv4/conf/all/src_valid_mark"),
		    "1");
	}
	network_free(network);
	ck_assert_str_eq(sysctl("net/ipv4/conf/all/src_valid_mark"), "0");
}
END_TEST

/* Whether it is among what is not as configured. */
static bool
is_left_out(const struct network *network, const char *what)
{
	const struct request_host *host = network_host(network);

	for (uint64_t i = 0; i < host->n; i++) {
		if (strcmp(host->list[i].what, what) == 0)
			return strstr(host->list[i].why, "left out") != NULL;
	}
	return false;
}

static const struct {
	const char *what, *route;
	bool	    taken;
} conflicts[] = {
	{ "the LAN itself", "10.0.7.0/24", false },
	{ "a part of the LAN", "10.0.7.128/25", false },
	{ "around the LAN", "10.0.0.0/8", true },
	{ "the IPv6 LAN", "fd07::/64", false },
	{ "around the IPv6 LAN", "fd00::/8", true },
	{ "around the server and its LAN", "198.18.0.0/15", true },
	{ "the server in the LAN", "198.18.0.1/32", false },
	{ "somebody else's route", "10.50.0.0/16", false },
	{ "somebody else's IPv6 route", "fd50::/32", false },
};

START_TEST(route_in_conflict_is_left_out_and_no_other)
{
	struct conf	conf;
	struct network *network = new_client(&conf);
	char		why[256], routes[128], what[64];
	const char     *route = conflicts[_i].route;

	ck_assert_int_eq(count_lines("ip route add 10.50.0.0/16 dev lan0", ""),
	    0);
	ck_assert_int_eq(count_lines("ip -6 route add fd50::/32 dev lan0", ""),
	    0);
	snprintf(routes, sizeof(routes), "172.30.0.0/24 %s fd98::/64", route);
	snprintf(what, sizeof(what), "route %s", route);
	ck_assert_int_eq(assign(network, "10.4.2.2/24", routes, why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(count_routes("172.30.0.0/24", "hands0"), 1);
	ck_assert_int_eq(count_routes("fd98::/64", "hands0"), 1);
	ck_assert_msg(count_routes(route, "hands0") ==
		(conflicts[_i].taken ? 1 : 0), "%s", conflicts[_i].what);
	ck_assert_msg(is_left_out(network, what) != conflicts[_i].taken, "%s",
	    conflicts[_i].what);
	ck_assert_int_eq(count_routes("10.0.7.0/24", "lan0"), 1);
	ck_assert_int_eq(count_routes("10.50.0.0/16", "lan0"), 1);
	network_free(network);
}
END_TEST

/* By the tunnel goes what is not the server; that is reached as before. */
START_TEST(route_around_the_server_goes_around_it)
{
	struct conf	conf;
	struct network *network = new_client(&conf);
	struct addr	addr;
	struct endpoint server;
	char		why[256];

	conf.accept_default_route = true;
	ck_assert(addr_parse(&addr, "203.0.113.7"));
	server = endpoint_make(&addr, 55555);
	network_set_servers(network, &server, 1);
	ck_assert_int_eq(assign(network, "10.4.2.2/24", "203.0.113.0/24", why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(count_lines("ip route get 203.0.113.6", "hands0"), 1);
	ck_assert_int_eq(count_lines("ip route get 203.0.113.8", "hands0"), 1);
	ck_assert_int_eq(count_lines("ip route get 203.0.113.255", "hands0"),
	    1);
	ck_assert_int_eq(count_lines("ip route get 203.0.113.7", "hands0"), 0);
	ck_assert_int_eq(assign(network, "203.0.113.9/24", "", why,
			     sizeof(why)),
	    -ELOOP);
	ck_assert_ptr_nonnull(strstr(why, "203.0.113.7"));
	/* Our own packets are kept out of that one. */
	ck_assert_int_eq(assign(network, "10.4.2.2/24", "0.0.0.0/0", why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(count_routes("203.0.113.0/30", NULL), 0);
	network_free(network);
}
END_TEST

/* Each thing that was set, changed by somebody else. */
static const char *const vandalism[] = {
	"ip link set hands0 down",
	"ip link set hands0 mtu 1280",
	"ip addr flush dev hands0",
	"ip addr del 10.4.2.2/24 dev hands0",
	"ip route flush dev hands0 proto 155",
	"ip -6 route flush dev hands0 proto 155",
	"ip link set hands0 down; ip link set hands0 up",
};

START_TEST(what_others_change_is_as_it_was_after_a_look)
{
	static const char show[] = "(ip addr show dev hands0; ip route; ip -6 "
	    "route) | sed 's/qdisc.*//; s/<.*>//; /valid_lft/d' | sort >";
	struct conf	conf;
	struct network *network = new_client(&conf);
	char		why[256], command[512], line[128] = "";
	FILE	       *diff;

	ck_assert_int_eq(assign(network, "10.4.2.2/24 fd04:2::2/64",
			     "10.0.8.0/24 10.0.9.0/24 fd08::/64", why,
			     sizeof(why)),
	    0);
	/* An administrator's own is left alone. */
	ck_assert_int_eq(count_lines("ip addr add 10.9.9.9/32 dev lo", ""), 0);
	while (!find_address("hands0", "fd04:2::2/64", true))
		usleep(1000);
	snprintf(command, sizeof(command), "%s %s.before", show, journal_path);
	ck_assert_int_eq(count_lines(command, ""), 0);
	ck_assert_int_eq(count_lines(vandalism[_i], "rror"), 0);
	(void)network_check(network, true);
	while (!find_address("hands0", "fd04:2::2/64", true))
		usleep(1000);
	snprintf(command, sizeof(command), "%s %s.after; diff %s.before "
	    "%s.after; rm -f %s.before %s.after", show, journal_path,
	    journal_path, journal_path, journal_path, journal_path);
	diff = popen(command, "r");
	ck_assert_ptr_nonnull(diff);
	ck_assert_msg(fgets(line, sizeof(line), diff) == NULL, "%s: %s",
	    vandalism[_i], line);
	pclose(diff);
	network_free(network);
}
END_TEST

START_TEST(assignment_keeps_the_addresses_of_the_configuration)
{
	struct conf	conf;
	struct prefix	own = P("10.4.2.99/24");
	struct network *network;
	char		why[256];

	conf = make_conf(CONF_CLIENT, CONF_TUN);
	conf.addresses = (struct conf_prefixes) { &own, 1 };
	network = network_new(&conf, journal_path);
	ck_assert_ptr_nonnull(network);
	ck_assert_int_eq(assign(network, "10.4.2.99/24 10.4.2.2/24", "", why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(assign(network, "", "", why, sizeof(why)), 0);
	ck_assert(has_address("hands0", "10.4.2.99/24"));
	network_free(network);
}
END_TEST

START_TEST(only_a_tun_client_is_assigned_anything)
{
	struct conf	conf = make_conf(CONF_CLIENT, CONF_TAP);
	struct network *network = network_new(&conf, journal_path);
	char		why[256];

	ck_assert_int_eq(assign(network, "10.4.2.2/24", "", why, sizeof(why)),
	    -EINVAL);
	ck_assert_str_ne(why, "");
	network_free(network);
}
END_TEST

/* ---------------------------------------------------------------- main */

static bool
may_run(void)
{
	pid_t pid;
	int   status;

	if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) == -1)
		return false;
	pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == -1);
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(void)
{
	Suite	*suite = suite_create("hands");
	TCase	*tcase = tcase_create("hands");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	if (!may_run()) {
		puts("hands: skipped: needs root, /dev/net/tun and network "
		     "namespaces");
		srunner_free(runner);
		return SKIPPED;
	}
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
	    device_has_queues_that_do_not_block_and_goes_with_them, 0, 2);
	tcase_add_test(tcase, device_name_that_is_taken_is_refused);
	tcase_add_test(tcase, device_that_cannot_be_leaves_nothing);
	tcase_add_test(tcase, bridge_is_made_joined_and_removed);
	tcase_add_test(tcase, interface_that_is_not_there_is_named_so);
	tcase_add_loop_test(tcase, address_added_twice_and_removed_twice, 0,
	    nitems(addresses));
	tcase_add_loop_test(tcase, route_added_twice_and_removed_twice, 0,
	    nitems(networks));
	tcase_add_test(tcase, overlap_says_which_network_and_where);
	tcase_add_test(tcase, bridge_of_a_killed_run_is_swept);
	tcase_add_test(tcase, bridge_with_a_port_or_of_somebody_else_stays);
	tcase_add_test(tcase,
	    forwarding_goes_on_and_back_with_all_that_it_touches);
	tcase_add_test(tcase, forwarding_of_a_killed_run_is_swept);
	tcase_add_test(tcase, forwarding_of_one_family_leaves_the_other);
	tcase_add_test(tcase, forwarding_that_was_on_or_set_since_stays);
	tcase_add_test(tcase, forwarding_that_others_can_rely_on_stays);
	tcase_add_test(tcase, what_leaves_by_another_interface_is_translated);
	tcase_add_test(tcase, table_is_ours_alone_and_goes_with_us);
	tcase_add_test(tcase, table_of_a_killed_run_is_gone);
	tcase_add_test(tcase, device_names_that_nftables_might_not_like);
	tcase_add_loop_test(tcase,
	    tap_joins_a_bridge_and_changes_nothing_of_it, 0, nitems(mtus));
	tcase_add_test(tcase, tap_does_not_lend_a_bridge_its_address);
	tcase_add_test(tcase, tap_makes_its_bridge_and_takes_it_away);
	tcase_add_test(tcase, tap_without_a_bridge_has_its_addresses);
	tcase_add_loop_test(tcase, start_that_fails_leaves_nothing, 0,
	    nitems(failures));
	tcase_add_test(tcase, tun_server_has_addresses_routes_forwarding);
	tcase_add_test(tcase,
	    subnet_of_the_servers_own_lan_does_not_take_it_away);
	tcase_add_loop_test(tcase, forwarding_is_on_where_somebody_is_behind, 0,
	    nitems(forwards));
	tcase_add_test(tcase, host_without_ipv6_still_has_ipv4);
	tcase_add_test(tcase,
	    settings_that_are_read_only_fail_only_where_they_are_needed);
	tcase_add_test(tcase, assignment_replaces_the_one_before);
	tcase_add_loop_test(tcase, assignment_that_is_refused_changes_nothing,
	    0, nitems(refusals));
	tcase_add_test(tcase, default_route_lies_in_a_table_of_our_own);
	tcase_add_test(tcase, block_begins_when_the_server_is_known);
	tcase_add_test(tcase, rules_of_a_killed_run_are_swept_and_no_others);
	tcase_add_test(tcase, strict_source_check_looks_at_the_mark_and_is_put_back);
	tcase_add_loop_test(tcase, route_in_conflict_is_left_out_and_no_other,
	    0, nitems(conflicts));
	tcase_add_test(tcase, route_around_the_server_goes_around_it);
	tcase_add_loop_test(tcase,
	    what_others_change_is_as_it_was_after_a_look, 0,
	    nitems(vandalism));
	tcase_add_test(tcase,
	    assignment_keeps_the_addresses_of_the_configuration);
	tcase_add_test(tcase, only_a_tun_client_is_assigned_anything);
	suite_add_tcase(suite, tcase);
	log_init("hands", LOG_LEVEL_ERROR);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
