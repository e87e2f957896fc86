/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_startup_recv: what the monitor says to the engine, were it somebody
 * else's: the
 * opening, or what comes later.
 *
 * First byte: which; then datagrams, each with a 16-bit length before it.
 */
#include "fuzz.h"
#include "fuzz_reader.h"

#include <sys/socket.h>
#include <unistd.h>

#include "engine/ask/monitor_ask.h"

#define MAX_DATAGRAMS 32

static void
on_conf(void *arg, struct conf *conf)
{
	conf_free(conf);
}

static void
on_keeper(void *arg, int auth_fd, int sign_fd)
{
	close(auth_fd);
	close(sign_fd);
}

static void
on_certs(void *arg, enum request_certs kind, struct startup_text text,
    bool trouble)
{
	FUZZ_CHECK(kind < REQUEST_CERTS_KINDS);
	FUZZ_CHECK(strlen(text.text) == text.len);
	FUZZ_CHECK(text.len <= REQUEST_MAX_CERTS);
	free(text.text);
}

static void
on_credential(void *arg, const char *site)
{
	FUZZ_CHECK(strlen(site) <= CONF_NAME_MAX);
}

static void
on_network_changed(void *arg)
{
}

static void
on_egress(void *arg, const struct request_egress *egress)
{
	FUZZ_CHECK(egress->v4 < REQUEST_WAYS && egress->v6 < REQUEST_WAYS);
	FUZZ_CHECK(egress->dns < REQUEST_DNSES);
	FUZZ_CHECK(request_text_is_good(egress->front));
}

static void
on_host(void *arg, const struct request_host *host)
{
	FUZZ_CHECK(host->n <= REQUEST_MAX_TROUBLES);
	for (uint64_t i = 0; i < host->n; i++)
		FUZZ_CHECK(request_text_is_good(host->list[i].what) &&
		    request_text_is_good(host->list[i].why));
}

static void
on_gone(void *arg)
{
}

static const struct startup_recv_events events = { on_conf, on_keeper,
	on_certs, on_credential, on_network_changed, on_egress, on_host,
	on_gone };

static void
on_fd(void *arg, const int *fds, unsigned n, int error)
{
	FUZZ_CHECK(n == (error == 0 ? 1 : 0));
	if (n == 1)
		close(fds[0]);
}

static void
on_list(void *arg, const struct endpoint *list, unsigned n)
{
	FUZZ_CHECK(n <= REQUEST_MAX_ENDPOINTS);
	for (unsigned i = 0; i < n; i++)
		FUZZ_CHECK(list[i].sa.sa_family == AF_INET ||
		    list[i].sa.sa_family == AF_INET6);
}

static void
on_network(void *arg, int error, const char *why)
{
	FUZZ_CHECK(error >= 0 && why != NULL);
}

static void
hear(int fd)
{
	struct ev_loop	   *loop = ev_loop_new(EVFLAG_AUTO);
	struct monitor_ask *ask = monitor_ask_new(loop, fd, &events, NULL);

	monitor_ask_pam(ask, "berlin", "192.0.2.1", on_fd, NULL);
	monitor_ask_connect(ask, 0, 0, on_fd, NULL);
	monitor_ask_network(ask, NULL, 0, NULL, 0, on_network, NULL);
	monitor_ask_resolve(ask, 0, on_list, NULL);
	for (int i = 0; i < 2 * MAX_DATAGRAMS; i++)
		ev_run(loop, EVRUN_NOWAIT);
	monitor_ask_free(ask);
	ev_loop_destroy(loop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_reader r;
	struct startup_recv	   startup;
	int		   fds[2];
	bool		   opening;

	log_init(NULL, LOG_LEVEL_ERROR);
	fuzz_reader_init(&r, data, size);
	opening = (fuzz_get_u8(&r) & 1) == 0;
	FUZZ_CHECK(chan_pair(fds) == 0);
	for (int i = 0; i < MAX_DATAGRAMS && fuzz_left(&r) > 2; i++) {
		size_t len = fuzz_get_u16(&r);

		if (len > fuzz_left(&r))
			len = fuzz_left(&r);
		if (send(fds[0], fuzz_get_view(&r, len), len,
			MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
			break;
	}
	shutdown(fds[0], SHUT_WR);
	if (opening) {
		if (startup_recv_all(fds[1], &startup) == 0)
			startup_recv_free(&startup);
		close(fds[1]);
	} else {
		hear(fds[1]);
	}
	close(fds[0]);
	return 0;
}
