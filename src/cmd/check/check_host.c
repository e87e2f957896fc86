/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/check/check_host.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "cmd/util/must.h"
#include "monitor/host/link.h"
#include "monitor/host/network.h"
#include "monitor/serve/pam.h"
#include "monitor/state/pidfile.h"
#include "monitor/host/sockets.h"
#include "proc/proc.h"

#define TUN "/dev/net/tun"

static void look_at_socket(struct check_report *report, const char *socket);
static void look_at_device(struct check_report *report);
static void look_at_bridge(struct check_report *report);
static void look_at_ports(struct check_report *report);
static void look_at_port(struct check_report *report, const struct addr *addr,
    uint16_t port);
static void look_at_users(struct check_report *report);
static void look_at_pam(struct check_report *report);

void
check_host(struct check_report *report,
    const char *owner)
{
	const struct conf *conf = report->conf;
	AUTO_FREE char *other = owner != NULL ?
	    pidfile_elsewhere(conf->socket, owner) : NULL;
	bool  runs = pidfile_pid(conf->socket) != 0;

	/* It was reported. */
	report->errors += runs && !pidfile_is_ours(conf->socket, owner);
	report->errors += !pidfile_dir_is_private(conf->socket);
	if (!runs && (other == NULL || pidfile_pid(other) == 0)) {
		look_at_socket(report, conf->socket);
		look_at_device(report);
		look_at_ports(report);
	}
	look_at_bridge(report);
	look_at_users(report);
	look_at_pam(report);
}

/* A start creates the last component of its directory only. */
static void
look_at_socket(struct check_report *report, const char *socket)
{
	AUTO_FREE char *copy = must(strdup(socket));
	struct stat	st;

	if (lstat(socket, &st) == 0 && !S_ISSOCK(st.st_mode))
		check_error(report, "%s: is in the way of the local "
		    "socket; remove it, or set socket to another path", socket);
	else if (stat(dirname(dirname(copy)), &st) == -1)
		check_error(report, "%s: its directory cannot be made: "
		    "%s", socket, strerror(errno));
}

static void
look_at_device(struct check_report *report)
{
	const struct conf *conf = report->conf;
	int fd = open(TUN, O_RDWR | O_CLOEXEC);

	if (fd == -1)
		check_error(report, TUN ": %s; load the module (modprobe tun), "
		    "or give the device to this container", strerror(errno));
	else
		close(fd);
	if (if_nametoindex(conf->device) != 0)
		check_error(report, "%s: there is an interface of that "
		    "name already: set device", conf->device);
}

static void
look_at_bridge(struct check_report *report)
{
	const struct conf *conf = report->conf;
	struct link *link;
	int	     r;

	if (conf->mode != CONF_TAP || conf->bridge[0] == '\0')
		return;
	link = link_open();
	if (link == NULL) {
		check_error(report, "netlink: %s", strerror(errno));
		return;
	}
	r = network_look_at_bridge(link, conf);
	report->errors += r < 0; /* which was reported */
	report->warnings += r > 0;
	link_close(link);
}

static void
look_at_ports(struct check_report *report)
{
	const struct conf *conf = report->conf;
	unsigned n = conf->role == CONF_SERVER ? conf->nlistens : 0;

	for (unsigned i = 0; i < n; i++)
		look_at_port(report, &conf->listens[i].addr,
		    conf_listen_port(conf, &conf->listens[i]));
}

static void
look_at_port(struct check_report *report, const struct addr *addr,
    uint16_t port)
{
	char text[ADDR_STRLEN] = "any";
	int  fd, tcp, udp;

	if (addr->family != 0)
		addr_print(addr, text, sizeof(text));
	if (addr->family != 0 && !sockets_has_address(addr))
		check_warning(report, "listen = %s: this host does not "
		    "have the address: nobody can connect to it yet", text);
	tcp = sockets_listen_tcp(addr, port);
	udp = sockets_listen_udp(addr, port, &fd, 1);
	if (tcp < 0)
		check_error(report, "listen = %s: TCP port %u: %s", text,
		    port, sockets_explain(tcp));
	else
		close(tcp);
	if (udp < 0)
		check_error(report, "listen = %s: UDP port %u: %s", text,
		    port, sockets_explain(udp));
	else
		close(fd);
}

static void
look_at_users(struct check_report *report)
{
	struct proc_user user;
	int		 r = proc_user(PROC_KEEPER, &user);

	if (r < 0)
		check_error(report, "no user for the keeper: %s",
		    strerror(-r));
}

static void
look_at_pam(struct check_report *report)
{
	const struct conf *conf = report->conf;
	char path[128];

	if (!pam_is_used(conf))
		return;
	snprintf(path, sizeof(path), "/etc/pam.d/%s", conf->pam_service);
	if (access(path, F_OK) == -1)
		check_warning(report, "%s: %s: PAM uses its service \"other\" "
		    "instead", path, strerror(errno));
}
