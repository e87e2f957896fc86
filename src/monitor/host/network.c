/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing that existed before is removed or changed: a bridge of the
 * administrator gets one more port, the host gets one more interface with
 * routes, and forwarding continues.  An administrator who is logged in over the
 * network stays logged in.
 */
#include "monitor/host/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "monitor/host/dns.h"
#include "monitor/host/journal.h"
#include "monitor/host/link.h"
#include "monitor/host/nat.h"
#include "monitor/host/netwatch.h"
#include "monitor/host/policy.h"
#include "monitor/host/reconcile.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/vet.h"
#include "monitor/host/want.h"
#include "proc/request.h"

/*
 * A worker may have to wait for its CPU for two milliseconds; this is the
 * number of small frames in that time at 250,000 a second.  For large frames it
 * is too much, but a worker reads ahead, and drops what exceeds its own limit
 * in bytes (io/tap.h).
 */
#define QUEUE_LEN 500

#define IN_USE	 ": an interface has that name; remove it or set another device"
#define NO_TUN	 " (/dev/net/tun): load the module tun, or give it to the container"
#define NO_RIGHT ": run as root, or with CAP_NET_ADMIN and access to /dev/net/tun"

struct network {
	const struct conf *conf; /* borrowed */
	struct journal	  *journal;
	struct link	  *link;
	struct nat	  *nat; /* NULL: none */
	struct tapdev	   dev;
	struct reconcile   reconcile;
	/* Of a site's tun device: */
	struct policy	  *policy;
	struct dns	  *dns;
	struct vet	   vet;
	struct assigned {
		struct prefix_set addresses, routes; /* owned, sorted */
		enum want_egress  egress;
	} assigned;
	bool		   settled; /* blocked, or assigned something */
	bool		   waits;   /* a trouble, to be said */
	bool		   forwards; /* since the start */
	struct request_egress told; /* to on_news */
	struct request_host   host;
	void (*on_news)(void *arg); /* NULL: nobody asks */
	void *news_arg;
};

static void tell_news(void *arg);
static int  bring(struct network *network, bool at_once);
static bool is_same_egress(const struct want *a, const struct want *b);
static bool add_assignment(struct assigned *assigned,
    const struct request_network *assignment);
static void assigned_fini(struct assigned *assigned);
static bool open_base(struct network *network, const char *journal_path);
static bool open_device(struct network *network);
static bool start_tun(struct network *network);
static bool check_tunnel_networks(struct network *network);
static bool start_site(struct network *network);
static bool must_block(const struct network *network);
static bool start_forwarding(struct network *network);
static void keep_forwarding(struct network *network);

struct network *
network_new(const struct conf *conf, const char *journal_path)
{
	struct network *network = calloc(1, sizeof(*network));
	bool		ok;

	if (network == NULL) {
		log_warn("the device");
		return NULL;
	}
	network->conf = conf;
	ok = open_base(network, journal_path) && open_device(network) &&
	    (conf->mode == CONF_TAP || start_tun(network)) &&
	    bring(network, true) == 0;
	if (ok && conf->mode == CONF_TUN)
		ok = start_forwarding(network);
	if (ok && conf->mode == CONF_TUN && conf->role == CONF_SERVER)
		ok = nat_reconfigure(&network->nat, network->dev.name, conf);
	if (ok)
		return network;
	network_free(network);
	return NULL;
}

const struct tapdev *
network_device(const struct network *network)
{
	return &network->dev;
}

void
network_reconfigure(struct network *network, const struct conf *conf)
{
	network->conf = conf;
	network->vet.conf = conf;
	/* Whoever fails has said so; the rest goes on. */
	if (conf->mode == CONF_TUN)
		(void)start_forwarding(network);
	network_check(network, true);
	if (conf->mode == CONF_TUN && conf->role == CONF_SERVER)
		(void)nat_reconfigure(&network->nat, network->dev.name, conf);
}

int
network_assign(struct network *network,
    const struct request_network *assignment, char *why, size_t why_size)
{
	struct assigned next = { .egress = WANT_TUNNEL }, old;
	int		r = 0;

	strlcpy(why, "", why_size);
	if (network->policy == NULL) {
		strlcpy(why, "only a site's tun device is assigned addresses",
		    why_size);
		return -EINVAL;
	}
	r = vet_assignment(&network->vet, assignment, why, why_size);
	if (r < 0)
		return r;
	old = network->assigned;
	if (add_assignment(&next, assignment)) {
		network->assigned = next;
		r = bring(network, true);
	} else {
		r = -ENOMEM;
	}
	if (r < 0) {
		network->assigned = old;
		(void)bring(network, true);
		assigned_fini(&next);
		strlcpy(why, strerror(-r), why_size);
	} else {
		assigned_fini(&old);
		network->settled = true;
	}
	tell_news(network);
	return r;
}

int
network_set_dns(struct network *network, struct dns_list *list, char *why,
    size_t why_size)
{
	int r;

	strlcpy(why, "", why_size);
	if (network->dns == NULL)
		return -EINVAL;
	if (!conf_accepts_dns(network->conf))
		return 0;
	r = vet_dns(list, why, why_size);
	if (r < 0)
		return r;
	list->all = network->conf->accept_default_route;
	dns_set(network->dns, list);
	return 0;
}

void
network_set_servers(struct network *network, const struct endpoint *list,
    unsigned n)
{
	if (network->policy == NULL || n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		vet_add_server(&network->vet, &list[i]);
	/* What fails is tried again: nothing else keeps traffic back. */
	if (!network->settled && must_block(network))
		network->assigned.egress = WANT_BLOCKED;
	network_check(network, false);
}

void
network_down(struct network *network)
{
	if (network->policy == NULL || network->conf->when_down == CONF_BLOCK)
		return;
	network->assigned.egress = WANT_BYPASS;
	dns_unset(network->dns);
	network_check(network, false);
}

double
network_check(struct network *network, bool is_local)
{
	const struct repairs *repairs = &network->reconcile.repairs;
	double		      again = NETWATCH_IDLE_SEC;

	if (is_local && network->policy != NULL)
		policy_forget_local(network->policy);
	/* What is in it is a trouble, or is tried again. */
	(void)bring(network, false);
	tell_news(network);
	if (network->waits)
		again = 1;
	if (repairs->again_us != 0 &&
	    again > (double)repairs->again_us / (double)MONO_SEC)
		again = (double)repairs->again_us / (double)MONO_SEC;
	return again;
}

void
network_egress(const struct network *network, struct request_egress *egress)
{
	*egress = (struct request_egress) { 0 };
	if (network->policy == NULL || network->dns == NULL)
		return;
	policy_egress(network->policy, egress);
	egress->dns = dns_state(network->dns);
}

const struct request_host *
network_host(const struct network *network)
{
	return &network->host;
}

void
network_on_news(struct network *network, void (*call)(void *arg), void *arg)
{
	network->on_news = call;
	network->news_arg = arg;
}

void
network_keep_block(struct network *network, bool keep)
{
	journal_keep_walls(network->journal, keep && must_block(network));
}

void
network_free(struct network *network)
{
	if (network == NULL)
		return;
	nat_free(network->nat);
	dns_free(network->dns);
	policy_free(network->policy);
	/* Before the bridge, which else would still have a port. */
	tapdev_close(&network->dev);
	link_close(network->link);
	if (journal_undo(network->journal))
		log_warnx("%s: all but local traffic stays blocked (when-down "
			  "= block) until the next start or run --sweep",
		    network->conf->device);
	assigned_fini(&network->assigned);
	reconcile_fini(&network->reconcile);
	free(network);
}

int
network_look_at_bridge(struct link *link, const struct conf *conf)
{
	const char	 *bridge = conf->bridge;
	struct link_facts facts;
	int		  r = link_look(link, bridge, &facts);

	if (r < 0 && conf->create_bridge)
		return 0;
	if (r < 0)
		log_warnx("%s: the bridge does not exist: create it, or set "
			  "create-bridge = yes", bridge);
	else if (!facts.is_bridge)
		log_warnx("%s: is not a bridge: create a bridge, make this a "
			  "port of it, and set bridge to its name", bridge);
	else if (!facts.is_up)
		log_warnx("%s: the bridge is down: set it up (ip link set %s "
			  "up)", bridge, bridge);
	else
		return 0;
	return r == 0 && !facts.is_bridge ? -1 : 1;
}

static void
tell_news(void *arg)
{
	struct network	     *network = arg;
	struct request_egress now;

	network_egress(network, &now);
	if (!troubles_tell(&network->reconcile.troubles, &network->host) &&
	    memcmp(&now, &network->told, sizeof(now)) == 0)
		return;
	network->told = now;
	if (network->on_news != NULL)
		network->on_news(network->news_arg);
}

/* What is wanted now, made so; the first failure of what has to be. */
static int
bring(struct network *network, bool at_once)
{
	struct reconcile *reconcile = &network->reconcile;
	struct want_facts facts = { .egress = network->assigned.egress,
		.addresses = &network->assigned.addresses,
		.routes = &network->assigned.routes,
		.servers = network->vet.servers,
		.nservers = network->vet.nservers };
	struct want want = { 0 };
	int r = reconcile_look(reconcile, network->conf, &facts), egress;

	if (r == 0)
		r = want_make(&want, &facts);
	if (r < 0) {
		/* It stays as it is, until the next look. */
		log_warnx("%s: cannot look at this host's network: %s",
		    network->dev.name, strerror(-r));
		want_fini(&want);
		return r;
	}
	repairs_begin(&reconcile->repairs);
	troubles_begin(&reconcile->troubles);
	r = reconcile_set(reconcile, network->conf, &want);
	if (network->policy != NULL) {
		egress = policy_set(network->policy, &want,
		    !is_same_egress(&want, &reconcile->want),
		    &reconcile->repairs);
		r = r < 0 ? r : egress;
	}
	keep_forwarding(network);
	want_fini(&reconcile->want);
	reconcile->want = want;
	repairs_say(&reconcile->repairs, network->dev.name);
	network->waits = troubles_end(&reconcile->troubles, network->dev.name,
	    at_once);
	return r;
}

static bool
is_same_egress(const struct want *a, const struct want *b)
{
	return a->blocks == b->blocks &&
	    a->unreachable[0] == b->unreachable[0] &&
	    a->unreachable[1] == b->unreachable[1] &&
	    prefix_list_is_equal(a->wide.v, a->wide.n, b->wide.v, b->wide.n);
}

static bool
add_assignment(struct assigned *assigned,
    const struct request_network *assignment)
{
	bool ok = prefix_set_add_list(&assigned->addresses,
	    assignment->addresses, assignment->naddresses);

	for (size_t i = 0; ok && i < assignment->nroutes; i++) {
		struct prefix route = prefix_network(&assignment->routes[i]);

		ok = prefix_set_add(&assigned->routes, &route);
	}
	prefix_set_sort(&assigned->addresses);
	prefix_set_sort(&assigned->routes);
	if (!ok)
		assigned_fini(assigned);
	return ok;
}

static void
assigned_fini(struct assigned *assigned)
{
	prefix_set_fini(&assigned->addresses);
	prefix_set_fini(&assigned->routes);
}

/* --------------------------------------------------------------- both */

static bool
open_base(struct network *network, const char *journal_path)
{
	/* A killed run's wall stays until ours takes its place: no gap. */
	network->journal = must_block(network) ? journal_reopen(journal_path) :
						 journal_open(journal_path);
	if (network->journal == NULL) {
		log_warn("%s: the journal", journal_path);
		return false;
	}
	network->link = link_open();
	if (network->link == NULL) {
		log_warnx("netlink cannot be opened: a sandbox that allows "
			  "AF_NETLINK is needed");
		return false;
	}
	network->reconcile = (struct reconcile) { .link = network->link,
		.dev = &network->dev, .journal = network->journal };
	return true;
}

static bool
open_device(struct network *network)
{
	static const struct {
		int	    error;
		const char *text;
	} hints[] = {
		{ EBUSY, IN_USE },
		{ EEXIST, IN_USE },
		{ ENOENT, NO_TUN },
		{ ENODEV, NO_TUN },
		{ ENXIO, NO_TUN },
		{ EPERM, NO_RIGHT },
		{ EACCES, NO_RIGHT },
	};
	const struct conf *conf = network->conf;
	const char	  *hint = NULL;
	int r = tapdev_open(&network->dev, conf->device, conf->mode,
	    conf_workers(conf), conf->no_offloads);

	if (r == 0)
		r = link_set_queue_len(network->link, network->dev.name,
		    QUEUE_LEN, conf->mode == CONF_TUN);
	if (r == 0)
		return true;
	for (size_t i = 0; hint == NULL && i < nitems(hints); i++) {
		if (hints[i].error == -r)
			hint = hints[i].text;
	}
	log_warnx("%s: cannot create the device: %s%s", conf->device,
	    strerror(-r), hint != NULL ? hint : "");
	return false;
}

static bool
start_tun(struct network *network)
{
	const struct conf *conf = network->conf;

	sysctl_distrust(network->dev.name);
	if (!sysctl_has_ipv6(network->dev.name))
		log_info("%s: this host has no IPv6: its addresses and routes "
			 "are ignored", network->dev.name);
	return conf->role == CONF_CLIENT ? start_site(network) :
					   check_tunnel_networks(network);
}

static bool
check_tunnel_networks(struct network *network)
{
	const struct conf_prefixes *nets = &network->conf->tunnel_networks;
	char			    text[PREFIX_STRLEN], other[PREFIX_STRLEN];
	struct link_lans	    lans;
	const struct link_lan	   *lan = NULL;
	int r = link_get_lans(network->link, network->dev.name, &lans);

	if (r < 0)
		return log_failed("cannot list this host's networks", r);
	for (size_t i = 0; lan == NULL && i < nets->n; i++) {
		lan = link_find_lan(&lans, &nets->v[i]);
		if (lan != NULL)
			log_warnx("tunnel-network = %s overlaps %s, this "
				  "host's network on %s: choose another",
			    prefix_print(&nets->v[i], text, sizeof(text)),
			    prefix_print(&lan->network, other, sizeof(other)),
			    lan->ifname);
	}
	free(lans.v);
	return lan == NULL;
}

/* Before anybody has spoken to the hub: what is to be blocked, is. */
static bool
start_site(struct network *network)
{
	const struct conf *conf = network->conf;
	struct vet	  *vet = &network->vet;
	bool		   known;

	*vet = (struct vet) { .link = network->link, .conf = conf,
		.device = network->dev.name, .ifindex = network->dev.ifindex };
	network->policy = policy_new(network->journal, vet);
	network->dns = dns_new(network->journal, network->dev.name, tell_news,
	    network);
	if (network->policy == NULL || network->dns == NULL) {
		log_warnx("%s: out of memory", network->dev.name);
		return false;
	}
	known = vet_add_literal(vet, conf->proxy.host, conf->proxy.port);
	for (unsigned i = 0; i < conf->nservers; i++)
		known |= vet_add_literal(vet, conf->servers[i].host,
		    conf->servers[i].port);
	/* By its name: network_set_servers(); or it is blocked already. */
	known = known || journal_has_policy(network->journal);
	if (known && must_block(network)) {
		network->assigned.egress = WANT_BLOCKED;
		network->settled = true;
	}
	return true;
}

static bool
must_block(const struct network *network)
{
	return network->conf->accept_default_route &&
	    network->conf->when_down == CONF_BLOCK;
}

/* What is on already needs no right to switch it on. */
static bool
start_forwarding(struct network *network)
{
	bool ipv4 = sysctl_is_wanted(network->conf, AF_INET);
	bool ipv6 = sysctl_is_wanted(network->conf, AF_INET6) &&
	    sysctl_has_ipv6(network->dev.name);
	int  r = sysctl_enable(network->journal, ipv4, ipv6);

	network->forwards = network->forwards || r >= 0;
	if (r < 0)
		log_warnx("IP forwarding cannot be enabled: %s; enable it on "
			  "the host (sysctl -w net.ipv4.ip_forward=1%s), or "
			  "set forward = no",
		    strerror(-r),
		    ipv6 ? " net.ipv6.conf.all.forwarding=1" : "");
	return r >= 0;
}

/* Once it is as configured, others may not change that. */
static void
keep_forwarding(struct network *network)
{
	struct reconcile *reconcile = &network->reconcile;
	int		  r;

	if (!network->forwards)
		return;
	r = sysctl_enable(network->journal,
	    sysctl_is_wanted(network->conf, AF_INET),
	    sysctl_is_wanted(network->conf, AF_INET6) &&
		sysctl_has_ipv6(network->dev.name));
	if (r > 0)
		repairs_note(&reconcile->repairs, "IP forwarding");
	if (r < 0)
		troubles_add(&reconcile->troubles, "IP forwarding",
		    "it cannot be enabled: %s", strerror(-r));
}
