/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/wall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/addr.h"
#include "base/log.h"
#include "monitor/host/nftables.h"
#include "monitor/host/prefix_set.h"

#define COMMENT_SIZE 128 /* NFTNL_UDATA_COMMENT_MAXLEN */

enum { LIVE, BLOCK, TABLES };

static const char *const suffixes[TABLES] = { "live", "block" };

struct wall {
	struct nft_ctx	 *ctx;
	struct wall_owner owner;
	char		  comment[COMMENT_SIZE];
	bool		  marks;
	char		 *body;	   /* of both tables; NULL: there is no wall */
	char		 *listing; /* what the kernel says of BLOCK; NULL: none */
	uint64_t	  seen;	   /* by the counters, last time */
	uint64_t	  before;  /* by those that went */
};

static void make_comment(struct wall *wall, const char *socket);
static void make_marks(struct wall *wall);
static char *make_body(const struct wall *wall, const struct wall_rules *rules);
static void  print_servers(FILE *out, const struct wall_rules *rules);
static void  print_walled(FILE *out, const struct prefix_set *walled);
static int   replace(struct wall *wall, const char *body, bool stays);
static void  print_table(FILE *out, const struct wall *wall, int which,
     const char *body);
static char *list(struct wall *wall, const char *what, int which);

struct wall *
wall_new(const struct wall_owner *owner, const char *socket)
{
	struct wall *wall = calloc(1, sizeof(*wall));

	if (wall == NULL)
		return NULL;
	wall->owner = *owner;
	wall->ctx = nftables_open();
	if (wall->ctx == NULL) {
		free(wall);
		return NULL;
	}
	make_comment(wall, socket);
	make_marks(wall);
	return wall;
}

void
wall_free(struct wall *wall)
{
	if (wall == NULL)
		return;
	nft_ctx_free(wall->ctx);
	free(wall->body);
	free(wall->listing);
	free(wall);
}

int
wall_set(struct wall *wall, const struct wall_rules *rules)
{
	bool  was = wall->body != NULL, same, whole = true;
	char *body = rules->walled->n > 0 ? make_body(wall, rules) : NULL;
	char *now;
	int   r;

	if (rules->walled->n > 0 && body == NULL)
		return -ENOMEM;
	same = was && body != NULL ? strcmp(wall->body, body) == 0 :
				     !was && body == NULL;
	if (same && body != NULL && rules->stays) {
		now = list(wall, "table", BLOCK);
		whole = now != NULL && wall->listing != NULL &&
		    strcmp(now, wall->listing) == 0;
		free(now);
	}
	r = same && whole ? 0 : replace(wall, body, rules->stays);
	if (r < 0 || (same && whole)) {
		free(body);
		return r;
	}
	free(wall->body);
	wall->body = body;
	free(wall->listing);
	wall->listing = body != NULL && rules->stays ?
	    list(wall, "table", BLOCK) :
	    NULL;
	return whole ? 0 : 1;
}

bool
wall_marks(const struct wall *wall)
{
	return wall->marks;
}

uint64_t
wall_dropped(struct wall *wall)
{
	uint64_t now = 0;

	for (int i = 0; wall->body != NULL && i < TABLES; i++) {
		char	   *text = list(wall, "counter", i);
		const char *at = text != NULL ? strstr(text, "packets ") : NULL;

		if (at != NULL)
			now += strtoull(at + strlen("packets "), NULL, 10);
		free(text);
	}
	/* A table that is made anew begins to count anew. */
	if (now < wall->seen)
		wall->before += wall->seen;
	wall->seen = now;
	return wall->before + now;
}

void
wall_remove(uint32_t table)
{
	struct nft_ctx *ctx = nftables_open();
	char		text[128];

	/* What is added first can be deleted, whether it was there or not. */
	snprintf(text, sizeof(text),
	    "add table inet tombolo_%u_block\n"
	    "delete table inet tombolo_%u_block\n", table, table);
	if (ctx == NULL || nftables_run(ctx, "block", text) < 0)
		log_warnx("the table inet tombolo_%u_block cannot be removed: "
			  "nft delete table inet tombolo_%u_block",
		    table, table);
	if (ctx != NULL)
		nft_ctx_free(ctx);
}

/* The path of a socket may hold what nftables takes for its own. */
static void
make_comment(struct wall *wall, const char *socket)
{
	snprintf(wall->comment, sizeof(wall->comment),
	    "nft delete table inet tombolo_%u_block; %s, %s",
	    wall->owner.table, wall->owner.device, socket);
	for (char *p = wall->comment; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\' || *p == '\n')
			*p = '?';
	}
}

/*
 * By the socket that a packet is for, not by connection mark: those belong to
 * other programs.  The sockets of glibc have no mark, so the address of each
 * query of the resolver is stored, and its answer is recognized by that.
 */
static void
make_marks(struct wall *wall)
{
	static const char rules[] =
	    "create table inet tombolo_%u_mark { flags owner; }\n"
	    "table inet tombolo_%u_mark {\nflags owner;\n"
	    "set asked4 { type ipv4_addr . inet_proto . inet_service;\n"
	    "flags dynamic, timeout; timeout 30s; size 1024; }\n"
	    "set asked6 { type ipv6_addr . inet_proto . inet_service;\n"
	    "flags dynamic, timeout; timeout 30s; size 1024; }\n"
	    "chain queries {\n"
	    "type filter hook postrouting priority srcnat + 101;\n"
	    "meta skuid != %u accept\n"
	    "meta l4proto { tcp, udp } th dport 53 update @asked4"
	    " { ip daddr . meta l4proto . th sport }\n"
	    "meta l4proto { tcp, udp } th dport 53 update @asked6"
	    " { ip6 daddr . meta l4proto . th sport }\n"
	    "}\n"
	    "chain answers {\n"
	    "type filter hook prerouting priority raw - 5;\n"
	    "iifname { \"lo\", \"%s\" } accept\n"
	    "socket mark & %#x == %#x meta mark set meta mark & %#x | %#x\n"
	    "ip saddr . meta l4proto . th dport @asked4"
	    " meta mark set meta mark & %#x | %#x\n"
	    "ip6 saddr . meta l4proto . th dport @asked6"
	    " meta mark set meta mark & %#x | %#x\n"
	    "}\n}\n";
	const struct wall_owner *owner = &wall->owner;
	uint32_t mark = owner->mark, mask = owner->mask;
	char	*text, old[64];

	/* Somebody else's of that name would be in the way of ours. */
	for (int i = 0; i < 2; i++) {
		snprintf(old, sizeof(old), "delete table inet tombolo_%u_%s\n",
		    owner->table, i == 0 ? "live" : "mark");
		(void)nftables_run(wall->ctx, NULL, old);
	}
	if (asprintf(&text, rules, owner->table, owner->table, owner->resolver,
		owner->device, mask, mark, ~mask, mark, ~mask, mark, ~mask,
		mark) == -1)
		return;
	wall->marks = nftables_run(wall->ctx, "marks", text) == 0;
	free(text);
	if (!wall->marks)
		log_warnx("%s: cannot mark replies of the hub: a firewall's "
			  "strict reverse path check may drop them; the kernel "
			  "needs nft_socket", owner->device);
}

/* The order affects only speed: most packets that get here are ours. */
static char *
make_body(const struct wall *wall, const struct wall_rules *rules)
{
	const struct wall_owner *owner = &wall->owner;
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	nftables_print_prefixes(out, "local", rules->local);
	print_servers(out, rules);
	fprintf(out,
	    "counter dropped { }\n"
	    "chain wall {\n"
	    "type filter hook postrouting priority srcnat + 100;\n"
	    "oifname { \"lo\", \"%s\" } accept\n"
	    "meta mark & %#x == %#x meta l4proto { tcp, udp } jump servers\n"
	    "meta skuid %u meta l4proto { tcp, udp } th dport 53 accept\n"
	    "ip daddr @local4 accept\n"
	    "ip6 daddr @local6 accept\n"
	    "ip6 hoplimit 255 icmpv6 type { nd-router-solicit,"
	    " nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert,"
	    " nd-redirect } accept\n"
	    "ip6 daddr ff02::/16 icmpv6 type { mld-listener-query,"
	    " mld-listener-report, mld-listener-done, mld2-listener-report }"
	    " accept\n"
	    "ip daddr 224.0.0.0/4 ip protocol igmp accept\n"
	    "ip daddr 255.255.255.255 udp sport . udp dport"
	    " { 67 . 68, 68 . 67 } accept\n"
	    "ip6 daddr { fe80::/10, ff02::/16 } udp sport . udp dport"
	    " { 546 . 547, 547 . 546 } accept\n",
	    owner->device, owner->mask, owner->mark, owner->resolver);
	print_walled(out, rules->walled);
	fputs("}\n", out);
	if (fclose(out) == EOF) {
		free(text);
		return NULL;
	}
	return text;
}

/* TCP or UDP to one of them, at its port. */
static void
print_servers(FILE *out, const struct wall_rules *rules)
{
	char text[ADDR_STRLEN];

	fputs("chain servers {\n", out);
	for (size_t i = 0; i < rules->nservers; i++) {
		struct addr addr = endpoint_addr(&rules->servers[i]);

		fprintf(out, "%s daddr %s th dport %u accept\n",
		    addr.family == AF_INET ? "ip" : "ip6",
		    addr_print(&addr, text, sizeof(text)),
		    endpoint_port(&rules->servers[i]));
	}
	fputs("}\n", out);
}

/*
 * Rules instead of a set: while one table replaces another, a set may be empty
 * for a moment, and packets to addresses that are not in it would leave.
 */
static void
print_walled(FILE *out, const struct prefix_set *walled)
{
	char text[PREFIX_STRLEN];

	for (size_t i = 0; i < walled->n; i++) {
		const struct prefix *network = &walled->v[i];
		bool		     v4 = network->addr.family == AF_INET;

		if (network->len == 0)
			fprintf(out, "meta nfproto %s", v4 ? "ipv4" : "ipv6");
		else
			fprintf(out, "%s daddr %s", v4 ? "ip" : "ip6",
			    prefix_print(network, text, sizeof(text)));
		fputs(" counter name dropped drop\n", out);
	}
}

/* `body` NULL: no wall any more. */
static int
replace(struct wall *wall, const char *body, bool stays)
{
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);
	int    r;

	if (out == NULL)
		return -ENOMEM;
	(void)wall_dropped(wall);
	if (wall->body != NULL)
		fprintf(out, "delete table inet tombolo_%u_live\n",
		    wall->owner.table);
	if (body != NULL)
		print_table(out, wall, LIVE, body);
	fprintf(out,
	    "add table inet tombolo_%u_block\n"
	    "delete table inet tombolo_%u_block\n", wall->owner.table,
	    wall->owner.table);
	if (body != NULL && stays)
		print_table(out, wall, BLOCK, body);
	r = fclose(out) == EOF ? -ENOMEM :
				 nftables_run(wall->ctx, "block", text);
	free(text);
	return r;
}

static void
print_table(FILE *out, const struct wall *wall, int which, const char *body)
{
	fprintf(out, "create table inet tombolo_%u_%s { ", wall->owner.table,
	    suffixes[which]);
	if (which == LIVE)
		fputs("flags owner; }\n", out);
	else
		fprintf(out, "comment \"%s\"; }\n", wall->comment);
	fprintf(out, "table inet tombolo_%u_%s {\n%s%s}\n", wall->owner.table,
	    suffixes[which], which == LIVE ? "flags owner;\n" : "", body);
}

/*
 * The table in the kernel, without counters unless asked for; the caller frees.
 */
static char *
list(struct wall *wall, const char *what, int which)
{
	bool counts = strcmp(what, "counter") == 0;
	char text[96];

	nft_ctx_output_set_flags(wall->ctx,
	    counts ? 0 : NFT_CTX_OUTPUT_STATELESS);
	snprintf(text, sizeof(text), "list %s inet tombolo_%u_%s%s\n", what,
	    wall->owner.table, suffixes[which], counts ? " dropped" : "");
	if (nftables_run(wall->ctx, NULL, text) < 0)
		return NULL;
	return strdup(nft_ctx_get_output_buffer(wall->ctx));
}
