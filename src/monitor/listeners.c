/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "conf/conf.h"
#include "monitor/serve/startup_send.h"
#include "monitor/host/busy_retry.h"
#include "monitor/host/sockets.h"
#include "proc/proc.h"

static bool listen_unix(const struct conf *conf, struct startup_send *startup);
static bool listen_one(const struct conf *conf, struct startup_send *startup,
    const struct conf_listen *listen);

bool
listeners_open(const struct conf *conf, struct startup_send *startup)
{
	unsigned n = conf->role == CONF_SERVER ? conf->nlistens : 0;

	if (!listen_unix(conf, startup))
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (!listen_one(conf, startup, &conf->listens[i]))
			return false;
	}
	return true;
}

void
listeners_close(const struct conf *conf, const struct startup_send *startup)
{
	for (unsigned i = 0; i < startup->nlisteners; i++) {
		for (unsigned j = 0; j < startup->nudp; j++)
			close(startup->udp[i][j]);
		close(startup->listeners[i]);
	}
	if (startup->admin == -1)
		return;
	unlink(conf->socket);
	close(startup->admin);
}

static bool
listen_unix(const struct conf *conf, struct startup_send *startup)
{
	unsigned waited = 0;
	int	 r;

	do
		r = sockets_listen_unix(conf->socket, proc_admin_group());
	while (r == -EADDRINUSE && busy_retry_wait(conf->socket, &waited));
	if (r < 0)
		return log_failed(conf->socket, r);
	startup->admin = r;
	return true;
}

static bool
listen_one(const struct conf *conf, struct startup_send *startup,
    const struct conf_listen *listen)
{
	unsigned	   workers = conf_workers(conf);
	unsigned	   at = startup->nlisteners;
	uint16_t	   port = conf_listen_port(conf, listen);
	char		   address[ADDR_STRLEN] = "", what[ADDR_STRLEN + 32];
	unsigned	   waited = 0;
	int		   r;

	if (listen->addr.family != 0)
		addr_print(&listen->addr, address, sizeof(address));
	if (listen->addr.family != 0 && !sockets_has_address(&listen->addr))
		log_warnx("listen = %s: this host does not have the address yet; "
			  "sites can connect as soon as it does", address);
	snprintf(what, sizeof(what), "%s%sTCP port %u", address,
	    address[0] != '\0' ? ", " : "", port);
	do
		r = sockets_listen_tcp(&listen->addr, port);
	while (r == -EADDRINUSE && busy_retry_wait(what, &waited));
	if (r < 0) {
		log_warnx("%s: %s", what, sockets_explain(r));
		return false;
	}
	startup->listeners[at] = r;
	snprintf(what, sizeof(what), "%s%sUDP port %u", address,
	    address[0] != '\0' ? ", " : "", port);
	do
		r = sockets_listen_udp(&listen->addr, port, startup->udp[at],
		    workers);
	while (r == -EADDRINUSE && busy_retry_wait(what, &waited));
	if (r < 0) {
		close(startup->listeners[at]);
		log_warnx("%s: %s", what, sockets_explain(r));
		return false;
	}
	startup->nlisteners++;
	startup->nudp = workers;
	if ((conf->no_offloads & CONF_OFFLOAD_BIT(CONF_OFFLOAD_GRO)) == 0)
		sockets_merge(startup->udp[at], workers);
	return true;
}

