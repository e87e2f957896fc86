/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sites are told of a change: all, or those whose own it is.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "control/conn/message.h"
#include "control/site_networks.h"
#include "unit.h"

static void
say(void *arg, const char *text)
{
	puts(text);
}

static struct conf *
parse(const char *server, const char *interface, const char *sites)
{
	struct conf_errors errors = { .say = say };
	char		   text[2048];
	struct conf	  *conf;

	snprintf(text, sizeof(text), "[server]\nname = a.example.org\n%s"
	    "[interface]\nmode = tun\ntunnel-network = 10.4.2.0/24\n%s%s",
	    server, interface, sites);
	conf = conf_parse_text(text, strlen(text), "text", "/", &errors);
	ck_assert_ptr_nonnull(conf);
	return conf;
}

#define A "[site a]\naddress = 10.4.2.7\nsubnet = 192.168.7.0/24\n"
#define B "[site b]\naddress = 10.4.2.8\nsubnet = 192.168.8.0/24\n"
#define C "[site c]\naddress = 10.4.2.9\n"

/* After `A B C`: what is told to all, and what is told to site a. */
static const struct {
	const char *what;
	const char *server, *interface, *sites;
	bool	    same, same_own;
} rows[] = {
	{ "nothing", "", "", A B C, true, true },
	{ "a site without networks", "", "",
	    A B C "[site d]\naddress = 10.4.2.10\n", true, true },
	{ "that one removed", "", "", A B, true, true },
	{ "its method", "", "", A B C "auth = srp\n", true, true },
	{ "another's address", "", "",
	    A "[site b]\naddress = 10.4.2.18\nsubnet = 192.168.8.0/24\n" C,
	    true, true },
	{ "a site with a network, in front", "", "",
	    "[site 0]\naddress = 10.4.2.10\nsubnet = 10.9.0.0/16\n" A B C,
	    false, true },
	{ "the same behind", "", "",
	    A B C "[site d]\naddress = 10.4.2.10\nsubnet = 10.9.0.0/16\n",
	    false, true },
	{ "another's network", "", "",
	    A "[site b]\naddress = 10.4.2.8\nsubnet = 192.168.9.0/24\n" C,
	    false, true },
	{ "one more of another's", "", "",
	    A B "subnet = 192.168.9.0/24\n" C, false, true },
	{ "another is disabled", "", "", A B "disabled = yes\n" C, false, true },
	{ "another is removed", "", "", A C, false, true },
	{ "its own network", "", "",
	    "[site a]\naddress = 10.4.2.7\nsubnet = 192.168.9.0/24\n" B C,
	    false, false },
	{ "its own address", "", "",
	    "[site a]\naddress = 10.4.2.17\nsubnet = 192.168.7.0/24\n" B C,
	    true, false },
	{ "its own default route", "", "", A "default-route = yes\n" B C, true,
	    false },
	{ "two change networks", "", "",
	    "[site a]\naddress = 10.4.2.7\nsubnet = 192.168.8.0/24\n"
	    "[site b]\naddress = 10.4.2.8\nsubnet = 192.168.7.0/24\n" C,
	    false, false },
	{ "a network moves from one to another", "", "",
	    "[site a]\naddress = 10.4.2.7\n"
	    B "[site c]\naddress = 10.4.2.9\nsubnet = 192.168.7.0/24\n",
	    false, false },
	{ "the hub's network", "", "network = 10.0.0.0/24\n", A B C, false,
	    true },
	{ "DNS", "", "dns = 10.4.2.1\n", A B C, false, true },
	{ "keepalive", "keepalive = 20\n", "", A B C, false, true },
};

START_TEST(only_what_a_site_is_told_matters)
{
	struct conf *before = parse("", "", A B C);

	for (size_t i = 0; i < nitems(rows); i++) {
		struct conf *after = parse(rows[i].server, rows[i].interface,
		    rows[i].sites);

		ck_assert_msg(site_networks_same(before, after) == rows[i].same,
		    "%s", rows[i].what);
		ck_assert_msg(site_networks_same(after, before) == rows[i].same,
		    "%s, back", rows[i].what);
		ck_assert_msg(site_networks_same_own(before, after, "a") ==
			rows[i].same_own, "%s, own", rows[i].what);
		conf_free(after);
	}
	ck_assert(!site_networks_same_own(before, before, "none"));
	conf_free(before);
}
END_TEST

/* What the two say is what the lists are: made for each site, and compared. */
START_TEST(same_answers_mean_same_lists)
{
	static const char *const names[] = { "a", "b", "c" };
	struct conf *before = parse("", "", A B C);

	for (size_t i = 0; i < nitems(rows); i++) {
		struct conf *after = parse(rows[i].server, rows[i].interface,
		    rows[i].sites);

		for (size_t n = 0; n < nitems(names); n++) {
			struct message x = { .type = MESSAGE_UPDATE,
				.keepalive_sec = 1, .dead_peer_sec = 2 }, y = x;
			size_t xlen, ylen;
			char  *xs, *ys;

			if (!site_networks_same(before, after) ||
			    !site_networks_same_own(before, after, names[n]))
				continue;
			ck_assert(site_networks_fill(before, names[n], &x));
			ck_assert(site_networks_fill(after, names[n], &y));
			xs = message_encode(&x, &xlen);
			ys = message_encode(&y, &ylen);
			ck_assert_msg(xlen == ylen && strcmp(xs, ys) == 0,
			    "%s: %s\n%s", rows[i].what, xs, ys);
			free(xs);
			free(ys);
			message_fini(&x);
			message_fini(&y);
		}
		conf_free(after);
	}
	conf_free(before);
}
END_TEST

UNIT_MAIN("site_networks", only_what_a_site_is_told_matters,
    same_answers_mean_same_lists)
