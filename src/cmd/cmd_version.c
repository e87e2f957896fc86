/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_version: the features of this binary on this host.  A feature counts if
 * the library that is loaded has it, whatever was there at build time.
 */
#include "config.h"

#include "cmd/cmd.h"

#include <stdio.h>

#include <gnutls/gnutls.h>
#include <netlink/netlink.h>
#include <nettle/version.h>

#include "cmd/util/options.h"
#include "datapath/record/aead.h"
#include "proc/sandbox.h"
#include "tls_srp/engine/tls_srp.h"

static const struct options_spec spec = {
	.command = "version",
	.synopsis = "",
	.help = "Prints the version, the libraries and the features built in.",
};

static const char *has_priority(const char *priority);
static void print_methods(void);

int
cmd_version(int argc, char **argv)
{
	static const struct conf conf = { .workers = 0 };
	int			 abi = sandbox_landlock_abi();
	struct options		 options;
	struct aead		 aead;
	const char		*why;
	int			 r = options_parse(&options, &spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	printf("tombolo %s\n\n", PACKAGE_VERSION);
	printf("gnutls %s, nettle %d.%d, jansson %s, libnl %d.%d.%d\n",
	    gnutls_check_version(NULL), nettle_version_major(),
	    nettle_version_minor(), jansson_version_str(), nl_ver_maj,
	    nl_ver_min, nl_ver_mic);
	printf("X25519MLKEM768: %s\n",
	    has_priority("NORMAL:-GROUP-ALL:+GROUP-X25519-MLKEM768"));
	printf("TLS-SRP: %s\n", tls_srp_is_there() ? "yes" : "no");
	printf("PAM: %s\n",
	    conf_auth_is_built(CONF_AUTH_PAM, &why) ? "yes" : "no");
	printf("seccomp: %s\n", sandbox_has_seccomp() ? "yes" : "no");
	if (abi > 0)
		printf("Landlock: ABI %d\n", abi);
	else
		printf("Landlock: no\n");
	aead_init(&aead, false);
	printf("AEAD: %s\n", aead_name(&aead));
	aead_fini(&aead);
	print_methods();
	printf("workers by default: %u\n", conf_workers(&conf));
	return 0;
}

static const char *
has_priority(const char *priority)
{
	gnutls_priority_t parsed;

	if (gnutls_priority_init(&parsed, priority, NULL) != GNUTLS_E_SUCCESS)
		return "no";
	gnutls_priority_deinit(parsed);
	return "yes";
}

/* The authentication methods that sites could use here. */
static void
print_methods(void)
{
	const char *why, *comma = " ";

	printf("methods:");
	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		if (!conf_auth_is_built((enum conf_auth)i, &why) ||
		    (i == CONF_AUTH_TLS_SRP && !tls_srp_is_there()))
			continue;
		printf("%s%s", comma, conf_auth_name((enum conf_auth)i));
		comma = ", ";
	}
	putchar('\n');
}
