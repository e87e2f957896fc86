/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_serve: what an engine, were it somebody else's, says to the monitor.
 *
 * First byte: the role, whether a site has PAM; then datagrams, each with a
 * 16-bit length before it.  The first that breaks a rule is the last.
 */
#include "fuzz.h"
#include "fuzz_reader.h"

#include <sys/socket.h>
#include <unistd.h>

#include "conf/conf.h"
#include "monitor/serve/certs.h"
#include "monitor/serve/lookup.h"
#include "monitor/serve/serve.h"
#include "proc/request.h"

#define MAX_DATAGRAMS 32

struct rig {
	struct serve  serve;
	struct lookup lookup;
	struct chan   engine;
	unsigned      violations;
};

static bool
on_reload(void *arg, bool all)
{
	return all;
}

static void
on_resolved(void *arg, uint32_t id, const struct endpoint *list, unsigned n)
{
	(void)serve_resolved(&((struct rig *)arg)->engine, id, list, n);
}

static void
on_msg(struct chan *chan, struct chan_msg *msg)
{
	struct rig *rig = chan->arg;

	/* What it asks for is another's work; sockets to nowhere are enough. */
	if (msg->type != REQUEST_NETWORK && msg->type != REQUEST_DNS &&
	    msg->type != REQUEST_DOWN && msg->type != REQUEST_PAM)
		rig->violations += serve_request(&rig->serve, chan, msg) == -1;
	FUZZ_CHECK(rig->violations <= 1);
}

static void
on_closed(struct chan *chan)
{
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ev_loop *loop;
	static struct certs    certs;
	struct fuzz_reader     r;
	struct rig	       rig = { .violations = 0 };
	char		       host[] = "127.0.0.1";
	struct conf	       conf = { .nservers = 1,
		.servers = { { .host = host, .port = 9 } } };
	uint8_t		       role;
	int		       fds[2];

	log_init(NULL, LOG_LEVEL_ERROR);
	if (loop == NULL)
		loop = ev_loop_new(EVFLAG_AUTO);
	fuzz_reader_init(&r, data, size);
	role = fuzz_get_u8(&r);
	conf.role = role & 1 ? CONF_CLIENT : CONF_SERVER;
	conf.mode = role & 2 ? CONF_TUN : CONF_TAP;
	rig.serve = (struct serve) { .conf = &conf, .lookup = &rig.lookup,
		.certs = &certs, .on_reload = on_reload, .arg = &rig };
	lookup_init(&rig.lookup, loop, &conf);
	rig.lookup.done = on_resolved;
	rig.lookup.arg = &rig;
	FUZZ_CHECK(chan_pair(fds) == 0);
	chan_open(&rig.engine, loop, fds[0], on_msg, on_closed, &rig);
	for (int i = 0; i < MAX_DATAGRAMS && fuzz_left(&r) > 2; i++) {
		size_t len = fuzz_get_u16(&r);

		if (len > fuzz_left(&r))
			len = fuzz_left(&r);
		if (send(fds[1], fuzz_get_view(&r, len), len,
			MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
			break;
	}
	for (int i = 0; i < MAX_DATAGRAMS; i++)
		ev_run(loop, EVRUN_NOWAIT);
	lookup_fini(&rig.lookup);
	chan_close(&rig.engine);
	close(fds[1]);
	return 0;
}
