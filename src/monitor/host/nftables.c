/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/nftables.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "monitor/host/prefix_set.h"

static void print_set(FILE *out, const char *name, sa_family_t family,
    const struct prefix_set *set);

struct nft_ctx *
nftables_open(void)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);

	if (ctx == NULL)
		return NULL;
	if (nft_ctx_buffer_error(ctx) == 0 && nft_ctx_buffer_output(ctx) == 0)
		return ctx;
	nft_ctx_free(ctx);
	return NULL;
}

int
nftables_run(struct nft_ctx *ctx, const char *what, const char *text)
{
	int	    r = nft_run_cmd_from_buffer(ctx, text);
	/* Reading it empties it, too. */
	const char *said = nft_ctx_get_error_buffer(ctx);

	if (r == 0)
		return 0;
	for (size_t len; what != NULL && said[0] != '\0'; said += len) {
		len = strcspn(said, "\n");
		if (len > 0)
			log_warnx("%s: nftables: %.*s", what, (int)len, said);
		len += said[len] == '\n';
	}
	return -EIO;
}

void
nftables_print_prefixes(FILE *out, const char *name,
    const struct prefix_set *set)
{
	print_set(out, name, AF_INET, set);
	print_set(out, name, AF_INET6, set);
}

static void
print_set(FILE *out, const char *name, sa_family_t family,
    const struct prefix_set *set)
{
	char	    text[PREFIX_STRLEN];
	int	    v = family == AF_INET ? 4 : 6;
	const char *before = "elements = { ";

	fprintf(out, "set %s%d {\ntype ipv%d_addr; flags interval;\n", name, v,
	    v);
	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i].addr.family != family)
			continue;
		fprintf(out, "%s%s", before,
		    prefix_print(&set->v[i], text, sizeof(text)));
		before = ",\n";
	}
	fputs(before[0] == ',' ? " }\n}\n" : "}\n", out);
}
