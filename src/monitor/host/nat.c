/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink socket in nft_ctx owns the table, so it stays open as long as the
 * struct exists.  A changed configuration replaces the table in one
 * transaction; conntrack keeps connections that are translated already.
 */
#include "monitor/host/nat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "conf/conf.h"
#include "monitor/host/nftables.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/want.h"

struct nat {
	struct nft_ctx *ctx;
	char		device[16];
};

static int put_table(struct nat *nat, const struct conf *conf, bool replace);
static bool add_sources(struct prefix_set *sources, const struct conf *conf);
static void print_table(FILE *out, const struct nat *nat,
    const struct prefix_set *sources, bool replace);

bool
nat_reconfigure(struct nat **nat, const char *device, const struct conf *conf)
{
	bool is_new = *nat == NULL;

	if (!conf->nat) {
		nat_free(*nat);
		*nat = NULL;
		return true;
	}
	if (is_new) {
		*nat = calloc(1, sizeof(**nat));
		if (*nat == NULL)
			return false;
		strlcpy((*nat)->device, device, sizeof((*nat)->device));
		(*nat)->ctx = nftables_open();
	}
	if ((*nat)->ctx != NULL && put_table(*nat, conf, !is_new) == 0)
		return true;
	if (is_new) {
		nat_free(*nat);
		*nat = NULL;
	}
	return false;
}

void
nat_free(struct nat *nat)
{
	if (nat == NULL)
		return;
	if (nat->ctx != NULL)
		nft_ctx_free(nat->ctx); /* and with it the table */
	free(nat);
}

static int
put_table(struct nat *nat, const struct conf *conf, bool replace)
{
	struct prefix_set sources = { 0 };
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);
	bool   ok = out != NULL && add_sources(&sources, conf);
	int    r = -ENOMEM;

	if (ok)
		print_table(out, nat, &sources, replace);
	if (out != NULL && fclose(out) == 0 && ok)
		r = nftables_run(nat->ctx, "nat", text);
	free(text);
	prefix_set_fini(&sources);
	return r;
}

static bool
add_sources(struct prefix_set *sources, const struct conf *conf)
{
	const struct conf_prefixes *tunnel = &conf->tunnel_networks;

	if (!prefix_set_add_list(sources, tunnel->v, tunnel->n) ||
	    !want_add_sites(sources, conf))
		return false;
	/* nftables takes no interval that lies in another one. */
	prefix_set_merge(sources);
	return true;
}

/*
 * Packets from this host to itself, with a tunnel address, leave by lo and are
 * not translated.
 */
static void
print_table(FILE *out, const struct nat *nat, const struct prefix_set *sources,
    bool replace)
{
	if (replace)
		fprintf(out, "delete table inet tombolo_%s\n", nat->device);
	/* Without it a table of that name, of somebody else's, would do too. */
	fprintf(out, "create table inet tombolo_%s { flags owner; }\n", nat->device);
	fprintf(out, "table inet tombolo_%s {\nflags owner;\n", nat->device);
	nftables_print_prefixes(out, "sources", sources);
	fprintf(out,
	    "chain out {\n"
	    "type nat hook postrouting priority srcnat; policy accept;\n"
	    "oifname { \"%s\", \"lo\" } accept\n"
	    "ip saddr @sources4 masquerade\n"
	    "ip6 saddr @sources6 masquerade\n"
	    "}\n}\n",
	    nat->device);
}
