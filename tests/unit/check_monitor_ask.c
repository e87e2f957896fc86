/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's half against a fake monitor over a real socket pair.  Every
 * test ends with as many descriptors as it began with.
 */
#include "engine/ask/monitor_ask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/serve/startup_send.h"
#include "unit.h"

#define PEM "-----BEGIN CERTIFICATE-----\n"
#define SERVER                                                                 \
	"[server]\nname = vpn.example.org\n[interface]\nmode = tap\n"
#define CLIENT                                                                 \
	"[client]\nserver = vpn.example.org\nsite = berlin\n"                  \
	"[interface]\nmode = tap\n"

static unsigned
count_fds(void)
{
	DIR	*dir = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
make_pair(int fds[2])
{
	ck_assert_int_eq(chan_pair(fds), 0);
}

static void
say(int fd, enum request type, const void *data, size_t len, unsigned nfds)
{
	int fds[CHAN_MAX_FDS] = { 0 };

	for (unsigned i = 0; i < nfds; i++)
		fds[i] = STDERR_FILENO;
	ck_assert_int_eq(
	    chan_send_fd(fd, (uint16_t)type, 0, data, len, fds, nfds), 0);
}

static void
say_piece(int fd, enum request type, struct request_piece piece,
    const char *text, size_t len)
{
	uint8_t buf[512];

	ck_assert_uint_lt(sizeof(piece) + len, sizeof(buf));
	memcpy(buf, &piece, sizeof(piece));
	memcpy(buf + sizeof(piece), text, len);
	say(fd, type, buf, sizeof(piece) + len, 0);
}

static void
say_conf(int fd, const char *text, size_t len, bool last)
{
	say_piece(fd, REQUEST_CONF,
	    (struct request_piece) { .is_last = last ? 1 : 0 }, text, len);
}

static void
say_certs(int fd, unsigned kind, uint32_t trouble, const char *text,
    size_t len)
{
	say_piece(fd, REQUEST_CERTS,
	    (struct request_piece) { .kind = (enum request_certs)kind,
		.number = 7, .is_trouble = trouble, .is_last = 1 }, text, len);
}

static void
say_egress(int fd, unsigned v6, unsigned dns, size_t len, char behind_front)
{
	struct request_egress egress = { .dropped = 7,
		.v4 = REQUEST_WAY_TUNNEL, .v6 = (enum request_way)v6,
		.dns = (enum request_dns)dns, .front = "rul" };

	if (behind_front != '\0')
		memset(egress.front, behind_front, sizeof(egress.front));
	say(fd, REQUEST_EGRESS, &egress, len, 0);
}

static const struct request_device device_said = { .name = "tap7",
	.ifindex = 42, .mtu = 1400, .offloads = 0x1f,
	.mac = { 0xfe, 1, 2, 3, 4, 5 } };

/* One step of a startup by its letter; digits are wrong numbers of descriptors. */
static void
say_letter(int fd, char letter)
{
	struct request_device device = device_said;
	struct request_start  start = { .version = "0.1.0", .restarts = 3 };
	struct request_site   sites[2] = { { "berlin" }, { "berlin" } };

	switch (letter) {
	case 'c': /* the first half */
		say_conf(fd, SERVER, 20, false);
		break;
	case 'C': /* the second half */
		say_conf(fd, SERVER + 20, sizeof(SERVER) - 1 - 20, true);
		break;
	case 'W':
		say_conf(fd, SERVER, sizeof(SERVER) - 1, true);
		break;
	case 'n':
		say(fd, REQUEST_NETCHANGE, NULL, 0, 0);
		break;
	case 'o': /* with a descriptor */
		say(fd, REQUEST_NETCHANGE, NULL, 0, 1);
		break;
	case 'e':
		say_egress(fd, REQUEST_WAY_BLOCKED, REQUEST_DNS_FAILED,
		    sizeof(struct request_egress), '\0');
		break;
	case 'f': /* a way that there is not */
		say_egress(fd, REQUEST_WAYS, REQUEST_DNS_FAILED,
		    sizeof(struct request_egress), '\0');
		break;
	case 'g': /* the same of DNS */
		say_egress(fd, REQUEST_WAY_BLOCKED, REQUEST_DNSES,
		    sizeof(struct request_egress), '\0');
		break;
	case 'h': /* cut short */
		say_egress(fd, REQUEST_WAY_BLOCKED, REQUEST_DNS_FAILED,
		    sizeof(struct request_egress) - 1, '\0');
		break;
	case 'i': /* a rule without an end */
		say_egress(fd, REQUEST_WAY_BLOCKED, REQUEST_DNS_FAILED,
		    sizeof(struct request_egress), 'x');
		break;
	case 'Y':
		say_conf(fd, CLIENT, sizeof(CLIENT) - 1, true);
		break;
	case 'X':
		say_conf(fd, "[nonsense]\n", 11, true);
		break;
	case 'M': /* a server's chain; 0 is its kind */
		say_certs(fd, 0, 0, PEM, sizeof(PEM) - 1);
		break;
	case 'N': /* a client's CA */
		say_certs(fd, 4, 0, PEM, sizeof(PEM) - 1);
		break;
	case 'k': /* of a kind that there is not */
		say_certs(fd, REQUEST_CERTS_KINDS, 0, PEM, sizeof(PEM) - 1);
		break;
	case 't': /* why there is none */
		say_certs(fd, 0, 1, "it is gone", 10);
		break;
	case 'T': /* neither */
		say_certs(fd, 0, 2, PEM, sizeof(PEM) - 1);
		break;
	case 'm': /* with a NUL inside */
		say_certs(fd, 0, 0, PEM, sizeof(PEM));
		break;
	case 'p': /* whose credential changed */
		say(fd, REQUEST_CREDENTIALS, sites, sizeof(sites), 0);
		break;
	case 'q': /* cut short */
		say(fd, REQUEST_CREDENTIALS, sites, sizeof(sites) - 1, 0);
		break;
	case 'r': /* the second without an end */
		memset(sites[1].name, 'a', sizeof(sites[1].name));
		say(fd, REQUEST_CREDENTIALS, sites, sizeof(sites), 0);
		break;
	case 'P': /* of nobody */
		say(fd, REQUEST_CREDENTIALS, NULL, 0, 0);
		break;
	case 'D':
		say(fd, REQUEST_DEVICE, &device, sizeof(device), 2);
		break;
	case 'd': /* a name without an end */
		memset(device.name, 'a', sizeof(device.name));
		say(fd, REQUEST_DEVICE, &device, sizeof(device), 2);
		break;
	case '0':
		say(fd, REQUEST_DEVICE, &device, sizeof(device), 0);
		break;
	case '7':
		say(fd, REQUEST_DEVICE, &device, sizeof(device), CONF_MAX_WORKERS + 1);
		break;
	case 'L':
		say(fd, REQUEST_LISTEN, NULL, 0, 1);
		break;
	case '2':
		say(fd, REQUEST_LISTEN, NULL, 0, 2);
		break;
	case '5':
		say(fd, REQUEST_LISTEN, NULL, 0, 5);
		break;
	case 'U':
		say(fd, REQUEST_UDP, NULL, 0, 2);
		break;
	case 'A':
		say(fd, REQUEST_ADMIN, NULL, 0, 1);
		break;
	case 'a':
		say(fd, REQUEST_ADMIN, "x", 1, 1);
		break;
	case 'K':
		say(fd, REQUEST_KEEPER, NULL, 0, 2);
		break;
	case '1':
		say(fd, REQUEST_KEEPER, NULL, 0, 1);
		break;
	case 'S':
		say(fd, REQUEST_START, &start, sizeof(start), 1);
		break;
	case 'z': /* without memory for totals */
		say(fd, REQUEST_START, &start, sizeof(start), 0);
		break;
	case 's':
		say(fd, REQUEST_START, &start, sizeof(start) - 1, 1);
		break;
	case 'v': /* a version without an end */
		memset(start.version, '1', sizeof(start.version));
		say(fd, REQUEST_START, &start, sizeof(start), 1);
		break;
	case '?':
		say(fd, REQUEST_RESOLVE, NULL, 0, 1);
		break;
	default:
		ck_abort_msg("no step %c", letter);
	}
}

static const struct {
	const char *what;
	const char *letters;
	int	    result;
} gifts[] = {
	{ "a server's, whole", "WMDLUAKS", 0 },
	{ "the configuration in two pieces", "cCMDLUAKS", 0 },
	{ "without a local socket", "WMDLUKS", 0 },
	{ "without a keeper yet", "WMDLUAS", 0 },
	{ "a client's", "YNDAKS", 0 },
	{ "a client with a listener", "YNDLAKS", -EBADMSG },
	{ "a hub without a listener", "WMDUAKS", -EBADMSG },
	{ "a hub without UDP", "WMDLAKS", -EBADMSG },
	{ "without a certificate: the keeper may have one", "WDLUAKS", 0 },
	{ "without a device", "WMLUAKS", -EBADMSG },
	{ "without a configuration", "MDLUAKS", -EBADMSG },
	{ "a configuration without an end", "cMDLUAKS", -EBADMSG },
	{ "a configuration that is wrong", "XMDLUAKS", -EINVAL },
	{ "the configuration again", "WWMDLUAKS", -EBADMSG },
	{ "the configuration later", "WMcC", -EBADMSG },
	{ "device and certificate swapped", "WDM", -EBADMSG },
	{ "listener after UDP", "WMDUL", -EBADMSG },
	{ "the device twice", "WMDD", -EBADMSG },
	{ "the listener twice", "WMDLL", -EBADMSG },
	{ "the keeper twice", "WMDLUAKK", -EBADMSG },
	{ "the start at once", "S", -EBADMSG },
	{ "a NUL in the certificate", "Wm", -EBADMSG },
	{ "a kind of certificate that there is not", "Wk", -EBADMSG },
	{ "the same certificate twice", "WMM", -EBADMSG },
	{ "a server with a client's certificate", "WNDLUAKS", -EBADMSG },
	{ "a device without queues", "WM0", -EBADMSG },
	{ "a device with too many queues", "WM7", -EBADMSG },
	{ "two listeners", "WMD2UUAKS", 0 },
	{ "two listeners, and UDP of one", "WMD2UAKS", -EBADMSG },
	{ "a listener, and UDP of two", "WMDLUUAKS", -EBADMSG },
	{ "too many listeners", "WMD5", -EBADMSG },
	{ "UDP without end", "WMDL" "UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU", -EBADMSG },
	{ "a local socket with a payload", "WMDLUa", -EBADMSG },
	{ "one channel of a keeper", "WMDLUA1", -EBADMSG },
	{ "a device's name without an end", "WMd", -EBADMSG },
	{ "a version without an end", "WMDLUAKv", -EBADMSG },
	{ "why there is no certificate", "Wt", -EBADMSG },
	{ "neither a certificate nor why", "WT", -EBADMSG },
	{ "credentials before the start", "Wp", -EBADMSG },
	{ "news of the network before the start", "WMDLUAKn", -EBADMSG },
	{ "a start cut short", "WMDLUAKs", -EBADMSG },
	{ "a start without its descriptor", "WMDLUAKz", -EBADMSG },
	{ "an answer that nobody asked for", "WMD?", -EBADMSG },
};

START_TEST(a_gift_is_taken_in_order_or_not_at_all)
{
	for (size_t i = 0; i < nitems(gifts); i++) {
		struct startup_recv startup;
		unsigned	    before = count_fds();
		int		    fds[2], r;

		make_pair(fds);
		for (const char *c = gifts[i].letters; *c != '\0'; c++)
			say_letter(fds[0], *c);
		r = startup_recv_all(fds[1], &startup);
		ck_assert_msg(r == gifts[i].result, "%s: %d", gifts[i].what, r);
		if (r == 0)
			startup_recv_free(&startup);
		ck_assert_msg(startup.conf == NULL &&
			startup.certs[REQUEST_CERTS_CA].text == NULL &&
			startup.nqueues == 0, "%s: left", gifts[i].what);
		close(fds[0]);
		close(fds[1]);
		ck_assert_msg(count_fds() == before, "%s: descriptors",
		    gifts[i].what);
	}
}
END_TEST

START_TEST(a_gift_that_ends_early_leaves_nothing)
{
	static const char whole[] = "cCMDLUAKS";

	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		struct startup_recv startup;
		unsigned	    before = count_fds();
		int		    fds[2];

		make_pair(fds);
		for (size_t i = 0; i < n; i++)
			say_letter(fds[0], whole[i]);
		close(fds[0]);
		ck_assert_int_eq(startup_recv_all(fds[1], &startup), -EPIPE);
		close(fds[1]);
		ck_assert_uint_eq(count_fds(), before);
	}
}
END_TEST

START_TEST(a_truncated_request_is_refused)
{
	uint8_t buf[sizeof(device_said) + 1] = { 0 };
	size_t	len = sizeof(device_said);

	for (size_t n = 0; n <= len + 1; n++) {
		struct startup_recv startup;
		unsigned	    before = count_fds();
		int		    fds[2], r;

		if (n == len)
			continue;
		make_pair(fds);
		say_letter(fds[0], 'W');
		say_letter(fds[0], 'M');
		memcpy(buf, &device_said, len);
		say(fds[0], REQUEST_DEVICE, buf, n, 2);
		r = startup_recv_all(fds[1], &startup);
		ck_assert_msg(r == -EBADMSG, "%zu of %zu bytes: %d", n, len, r);
		close(fds[0]);
		close(fds[1]);
		ck_assert_uint_eq(count_fds(), before);
	}
}
END_TEST

START_TEST(a_conf_piece_is_whole)
{
	static const struct {
		const char	    *what;
		struct request_piece piece;
		size_t		     len;
	} rows[] = {
		{ "nothing", { .is_last = 0 }, 0 },
		{ "cut short", { .is_last = 1 }, sizeof(rows[0].piece) - 1 },
		{ "neither the last nor not", { .is_last = 2 },
		    sizeof(rows[0].piece) },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		struct startup_recv startup;
		int		    fds[2];

		make_pair(fds);
		say(fds[0], REQUEST_CONF, &rows[i].piece, rows[i].len, 0);
		ck_assert_msg(startup_recv_all(fds[1], &startup) == -EBADMSG,
		    "%s", rows[i].what);
		close(fds[0]);
		close(fds[1]);
	}
}
END_TEST

/* More than the pair's buffer holds: from another process. */
START_TEST(a_configuration_too_large_is_refused)
{
	struct startup_recv startup;
	int		    fds[2];
	pid_t		    pid;

	make_pair(fds);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		static uint8_t piece[CHAN_MAX_PAYLOAD];

		close(fds[1]);
		memset(piece + sizeof(struct request_piece), '\n',
		    sizeof(piece) - sizeof(struct request_piece));
		while (chan_send_fd(fds[0], REQUEST_CONF, 0, piece,
			   sizeof(piece), NULL, 0) == 0)
			;
		_exit(0);
	}
	close(fds[0]);
	ck_assert_int_eq(startup_recv_all(fds[1], &startup), -EFBIG);
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

static bool
is_same_file(int a, int b)
{
	char path[2][64], name[2][256] = { "", "" };
	int  fds[2] = { a, b };

	for (int i = 0; i < 2; i++) {
		snprintf(path[i], sizeof(path[i]), "/proc/self/fd/%d", fds[i]);
		ck_assert_int_gt(readlink(path[i], name[i], 255), 0);
	}
	return strcmp(name[0], name[1]) == 0;
}

/* The monitor's real half; each descriptor is a pipe of its own. */
START_TEST(what_the_monitor_opens_with_arrives_as_it_was)
{
	struct ev_loop	   *loop = ev_loop_new(0);
	struct chan	    chan;
	struct startup_recv startup;
	struct tapdev	    device = {
		      .name = "tap3",
		      .ifindex = 9,
		      .mtu = 1411,
		      .mac = { 0xfe, 1, 2, 3, 4, 5 },
		      .offloads = 0x1f,
		      .nqueues = 2,
	};
	struct certs certs = {
		.of[REQUEST_CERTS_CHAIN].now = { (char[]) { PEM },
		    sizeof(PEM) - 1, 7 },
		.of[REQUEST_CERTS_CRL].next = { (char[]) { "" }, 0, 8 },
	};
	struct startup_send opening = {
		.conf = SERVER,
		.conf_len = sizeof(SERVER) - 1,
		.certs = &certs,
		.device = &device,
		.nudp = 2,
		.nlisteners = 1,
	};
	int	 pipes[8][2], fds[2];
	unsigned before = count_fds();

	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC), 0);
	device.queues[0] = pipes[0][0];
	device.queues[1] = pipes[1][0];
	opening.udp[0][0] = pipes[2][0];
	opening.udp[0][1] = pipes[3][0];
	opening.listeners[0] = pipes[4][0];
	opening.admin = pipes[5][0];
	opening.keeper[0] = pipes[6][0];
	opening.keeper[1] = pipes[7][0];
	make_pair(fds);
	chan_open(&chan, loop, fds[0], NULL, NULL, NULL);
	ck_assert_int_eq(startup_send_all(&chan, &opening), 0);
	ck_assert_int_eq(startup_recv_all(fds[1], &startup), 0);

	ck_assert_int_eq(startup.conf->role, CONF_SERVER);
	ck_assert_str_eq(startup.conf->names.v[0], "vpn.example.org");
	ck_assert_str_eq(startup.certs[REQUEST_CERTS_CHAIN].text, PEM);
	ck_assert_uint_eq(startup.certs[REQUEST_CERTS_CHAIN].len,
	    sizeof(PEM) - 1);
	ck_assert_str_eq(startup.certs[REQUEST_CERTS_CRL].text, "");
	ck_assert_uint_eq(startup.certs[REQUEST_CERTS_CRL].number, 8);
	ck_assert_ptr_null(startup.certs[REQUEST_CERTS_SITE_CA].text);
	ck_assert_str_eq(startup.device.name, "tap3");
	ck_assert_uint_eq(startup.device.ifindex, 9);
	ck_assert_uint_eq(startup.device.mtu, 1411);
	ck_assert_mem_eq(startup.device.mac, device.mac, 6);
	ck_assert_uint_eq(startup.device.offloads, 0x1f);
	ck_assert_uint_eq(startup.nqueues, 2);
	ck_assert_uint_eq(startup.nudp, 2);
	ck_assert(is_same_file(startup.queues[0], pipes[0][0]));
	ck_assert(is_same_file(startup.queues[1], pipes[1][0]));
	ck_assert(is_same_file(startup.udp[0], pipes[2][0]));
	ck_assert(is_same_file(startup.udp[1], pipes[3][0]));
	ck_assert(is_same_file(startup.listeners[0], pipes[4][0]));
	ck_assert(is_same_file(startup.admin, pipes[5][0]));
	ck_assert(is_same_file(startup.keeper[0], pipes[6][0]));
	ck_assert(is_same_file(startup.keeper[1], pipes[7][0]));
	ck_assert_uint_gt(strlen(startup.start.version), 0);

	startup_recv_free(&startup);
	chan_close(&chan);
	close(fds[1]);
	for (int i = 0; i < 8; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	ev_loop_destroy(loop);
	ck_assert_uint_le(count_fds(), before);
}
END_TEST

/* The asks. */

struct engine {
	struct ev_loop	   *loop;
	struct monitor_ask *ask;
	int		    monitor; /* the other end */
	uint8_t		   *heard; /* the last that came there */
	size_t		    heard_len;
	unsigned	    before;
	unsigned	    answers, gone, confs, keepers, materials, credentials;
	unsigned	    netchanges, egresses;
	unsigned	    n;
	int		    error;
	char		    text[64];
};

static void
on_conf(void *arg, struct conf *conf)
{
	struct engine *engine = arg;

	engine->confs++;
	snprintf(engine->text, sizeof(engine->text), "%s", conf->names.v[0]);
	conf_free(conf);
}

static void
on_keeper(void *arg, int auth_fd, int sign_fd)
{
	((struct engine *)arg)->keepers++;
	ck_assert_int_eq(close(auth_fd), 0);
	ck_assert_int_eq(close(sign_fd), 0);
}

static void
on_certs(void *arg, enum request_certs kind, struct startup_text text,
    bool trouble)
{
	((struct engine *)arg)->materials++;
	ck_assert_int_eq(kind, REQUEST_CERTS_CHAIN);
	ck_assert_uint_eq(text.number, 7);
	ck_assert_str_eq(text.text, trouble ? "it is gone" : PEM);
	ck_assert_uint_eq(text.len, strlen(text.text));
	free(text.text);
}

static void
on_gone(void *arg)
{
	((struct engine *)arg)->gone++;
}

static void
on_credential(void *arg, const char *site)
{
	((struct engine *)arg)->credentials++;
	ck_assert_str_eq(site, "berlin");
}

static void
on_network_changed(void *arg)
{
	((struct engine *)arg)->netchanges++;
}

static void
on_egress(void *arg, const struct request_egress *egress)
{
	((struct engine *)arg)->egresses++;
	ck_assert_int_eq(egress->v4, REQUEST_WAY_TUNNEL);
	ck_assert_int_eq(egress->v6, REQUEST_WAY_BLOCKED);
	ck_assert_int_eq(egress->dns, REQUEST_DNS_FAILED);
	ck_assert_uint_eq(egress->dropped, 7);
	ck_assert_str_eq(egress->front, "rul");
}

static const struct startup_recv_events events = {
	.on_egress = on_egress,
	.on_network_changed = on_network_changed,
	.on_conf = on_conf,
	.on_keeper = on_keeper,
	.on_certs = on_certs,
	.on_credential = on_credential,
	.on_gone = on_gone,
};

static void
on_resolved(void *arg, const struct endpoint *list, unsigned n)
{
	struct engine *engine = arg;

	engine->answers++;
	engine->n = n;
	if (n > 0)
		endpoint_print(&list[n - 1], engine->text,
		    sizeof(engine->text));
}

static void
on_lanes(void *arg, const int *fds, unsigned n, int error)
{
	struct engine *engine = arg;

	engine->answers++;
	engine->error = error;
	engine->n = n;
	ck_assert((n == 0) == (error != 0));
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(close(fds[i]), 0);
}

static void
on_network(void *arg, int error, const char *why)
{
	struct engine *engine = arg;

	engine->answers++;
	engine->error = error;
	snprintf(engine->text, sizeof(engine->text), "%s", why);
}

static void
engine_start(struct engine *engine)
{
	int fds[2];

	*engine = (struct engine) { .before = count_fds() };
	engine->heard = malloc(CHAN_MAX_PAYLOAD);
	ck_assert_ptr_nonnull(engine->heard);
	make_pair(fds);
	engine->loop = ev_loop_new(0);
	engine->monitor = fds[0];
	engine->ask = monitor_ask_new(engine->loop, fds[1], &events, engine);
	ck_assert_ptr_nonnull(engine->ask);
}

static void
engine_stop(struct engine *engine)
{
	monitor_ask_free(engine->ask);
	ev_loop_destroy(engine->loop);
	close(engine->monitor);
	free(engine->heard);
	ck_assert_uint_eq(count_fds(), engine->before);
}

static void
turn(struct engine *engine)
{
	for (int i = 0; i < 8; i++)
		ev_run(engine->loop, EVRUN_NOWAIT);
}

/* What the engine has asked; its id. */
static uint32_t
hear(struct engine *engine, enum request type)
{
	struct chan_msg msg;

	ck_assert_int_eq(
	    chan_recv_fd(engine->monitor, &msg, engine->heard, 1000), 0);
	ck_assert_uint_eq(msg.type, type);
	ck_assert_uint_eq(msg.nfds, 0);
	engine->heard_len = msg.len;
	return msg.id;
}

static int
ask_by_type(struct engine *engine, enum request type)
{
	struct prefix prefix;

	switch (type) {
	case REQUEST_RESOLVE:
		return monitor_ask_resolve(engine->ask, 0, on_resolved, engine);
	case REQUEST_CONNECT:
		return monitor_ask_connect(engine->ask, 0, 1, on_lanes,
		    engine);
	case REQUEST_LANES:
		return monitor_ask_lanes(engine->ask, 0, 1, 2, on_lanes, engine);
	case REQUEST_RELOAD:
		return monitor_ask_reload(engine->ask, true, on_network,
		    engine);
	default:
		ck_assert(prefix_parse(&prefix, "10.4.2.5/24"));
		return monitor_ask_network(engine->ask, &prefix, 1, NULL, 0,
		    on_network, engine);
	}
}

/* Which struct, with how many bytes more or less than it has. */
static void
answer(struct engine *engine, enum request type, uint32_t id, int error,
    char why, int more, unsigned nfds)
{
	struct {
		struct request_result result;
		char		      behind[8];
	} said = { .result = { .error = (uint32_t)error } };
	const int fds[4] = { 2, 2, 2, 2 };

	memset(said.result.why, why, why == 'x' ? sizeof(said.result.why) : 3);
	ck_assert_int_eq(chan_send_fd(engine->monitor, (uint16_t)type, id,
			     &said, (size_t)((int)sizeof(said.result) + more),
			     fds, nfds), 0);
}

static const struct {
	const char  *what;
	enum request type;
	int	     error;
	char	     why;
	int	     more;
	unsigned     nfds;
	bool	     ends; /* the conversation */
	unsigned     n;
	int	     got;
	const char  *text;
} answers[] = {
	{ "a socket", REQUEST_CONNECT, 0, 0, 0, 1, false, 1, 0, "" },
	{ "no socket", REQUEST_CONNECT, EACCES, 0, 0, 0, false, 0, EACCES, "" },
	{ "an odd error", REQUEST_CONNECT, -1, 0, 0, 0, false, 0, EIO, "" },
	{ "a socket that is missing", REQUEST_CONNECT, 0, 0, 0, 0, true, 0,
	    EPIPE, "" },
	{ "an error with a socket", REQUEST_CONNECT, EACCES, 0, 0, 1, true, 0,
	    EPIPE, "" },
	{ "two sockets", REQUEST_CONNECT, 0, 0, 0, 2, true, 0, EPIPE, "" },
	{ "a byte less", REQUEST_CONNECT, 0, 0, -1, 1, true, 0, EPIPE, "" },
	{ "a byte more", REQUEST_CONNECT, 0, 0, 1, 1, true, 0, EPIPE, "" },
	{ "lanes", REQUEST_LANES, 0, 0, 0, 2, false, 2, 0, "" },
	{ "no lanes", REQUEST_LANES, EACCES, 0, 0, 0, false, 0, EACCES, "" },
	{ "a lane too few", REQUEST_LANES, 0, 0, 0, 1, true, 0, EPIPE, "" },
	{ "a lane too many", REQUEST_LANES, 0, 0, 0, 3, true, 0, EPIPE, "" },
	{ "a network", REQUEST_NETWORK, 0, 0, 0, 0, false, 0, 0, "" },
	{ "a network refused", REQUEST_NETWORK, EACCES, 'l', 0, 0, false, 0,
	    EACCES, "lll" },
	{ "a reason without an end", REQUEST_NETWORK, EACCES, 'x', 0, 0, true,
	    0, EPIPE, "" },
	{ "a network with a descriptor", REQUEST_NETWORK, 0, 0, 0, 1, true, 0,
	    EPIPE, "" },
	{ "reloaded", REQUEST_RELOAD, 0, 0, 0, 0, false, 0, 0, "" },
	{ "not reloaded", REQUEST_RELOAD, ECANCELED, 0, 0, 0, false, 0,
	    ECANCELED, "" },
	{ "reloaded and more", REQUEST_RELOAD, 0, 0, 1, 0, true, 0, EPIPE, "" },
	{ "reloaded with a descriptor", REQUEST_RELOAD, 0, 0, 0, 1, true, 0,
	    EPIPE, "" },
};

/* Who asked is told either way. */
START_TEST(an_answer_reaches_its_asker_or_ends_the_conversation)
{
	for (size_t i = 0; i < nitems(answers); i++) {
		struct engine engine;
		uint32_t      id;

		engine_start(&engine);
		ck_assert_int_eq(ask_by_type(&engine, answers[i].type), 0);
		id = hear(&engine, answers[i].type);
		answer(&engine, answers[i].type, id, answers[i].error,
		    answers[i].why, answers[i].more, answers[i].nfds);
		turn(&engine);
		ck_assert_msg(engine.answers == 1 &&
			engine.gone == answers[i].ends &&
			engine.n == answers[i].n &&
			engine.error == answers[i].got &&
			strcmp(engine.text, answers[i].text) == 0,
		    "%s: %u answers, n %u, error %d, \"%s\"", answers[i].what,
		    engine.answers, engine.n, engine.error, engine.text);
		engine_stop(&engine);
	}
}
END_TEST

static const struct {
	const char	   *what;
	struct request_list list;
	int		    more;
	unsigned	    nfds;
	bool		    ends;
	unsigned	    n;
	const char	   *text;
} lists[] = {
#define ADDRESS { AF_INET, { 192, 0, 2, 1 } }
	{ "no address", { .n = 0 }, 0, 0, false, 0, "" },
	{ "an address", { .n = 1, .port = 55555, .list = { ADDRESS } }, 0, 0,
	    false, 1, "192.0.2.1:55555" },
	{ "two", { .n = 2, .port = 1, .list = { ADDRESS,
	    { AF_INET6, { 0xfd } } } }, 0, 0, false, 2, "[fd00::]:1" },
	{ "cut short", { .n = 1, .port = 55555, .list = { ADDRESS } }, -1, 0,
	    true, 0, "" },
	{ "a byte too many", { .n = 1, .port = 55555, .list = { ADDRESS } }, 1,
	    0, true, 0, "" },
	{ "more than fit", { .n = REQUEST_MAX_ENDPOINTS + 1 }, 0, 0, true, 0,
	    "" },
	{ "of no family", { .n = 1 }, 0, 0, true, 0, "" },
	{ "a port too large", { .n = 1, .port = 65536, .list = { ADDRESS } }, 0,
	    0, true, 0, "" },
	{ "with a descriptor", { .n = 0 }, 0, 1, true, 0, "" },
};

START_TEST(a_list_of_addresses_is_good_or_ends_the_conversation)
{
	for (size_t i = 0; i < nitems(lists); i++) {
		struct engine engine;
		uint32_t      id;
		struct {
			struct request_list list;
			char		    behind[8];
		} said = { .list = lists[i].list };

		engine_start(&engine);
		ck_assert_int_eq(ask_by_type(&engine, REQUEST_RESOLVE), 0);
		id = hear(&engine, REQUEST_RESOLVE);
		chan_send_fd(engine.monitor, REQUEST_RESOLVE, id, &said,
		    (size_t)((int)sizeof(said.list) + lists[i].more),
		    (const int[]) { 2 }, lists[i].nfds);
		turn(&engine);
		ck_assert_msg(engine.answers == 1 &&
			engine.gone == lists[i].ends &&
			engine.n == lists[i].n &&
			strcmp(engine.text, lists[i].text) == 0,
		    "%s: %u answers, n %u, \"%s\"", lists[i].what,
		    engine.answers, engine.n, engine.text);
		engine_stop(&engine);
	}
}
END_TEST

START_TEST(an_answer_to_nobody_ends_the_conversation)
{
	static const struct {
		const char *what;
		int	    type_off, id_off;
	} rows[] = {
		{ "another id", 0, 1 },
		{ "another type", 1, 0 },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		const struct request_list list = { .n = 0 };
		struct engine engine;
		uint32_t      id;

		engine_start(&engine);
		ck_assert_int_eq(ask_by_type(&engine, REQUEST_RESOLVE), 0);
		id = hear(&engine, REQUEST_RESOLVE);
		chan_send_fd(engine.monitor,
		    (uint16_t)(REQUEST_RESOLVE + rows[i].type_off),
		    id + (uint32_t)rows[i].id_off, &list, sizeof(list), NULL,
		    0);
		turn(&engine);
		ck_assert_msg(engine.answers == 0 && engine.gone == 1, "%s",
		    rows[i].what);
		engine_stop(&engine);
	}
}
END_TEST

START_TEST(a_cancelled_ask_is_not_answered_and_leaks_nothing)
{
	struct engine engine;
	const struct request_server server = { 0, 1, 2 };
	uint32_t      id;

	engine_start(&engine);
	ck_assert_int_eq(ask_by_type(&engine, REQUEST_LANES), 0);
	id = hear(&engine, REQUEST_LANES);
	ck_assert_uint_eq(engine.heard_len, sizeof(server));
	ck_assert_mem_eq(engine.heard, &server, sizeof(server));
	monitor_ask_cancel(engine.ask, &engine);
	answer(&engine, REQUEST_LANES, id, 0, 0, 0, 2);
	turn(&engine);
	ck_assert_uint_eq(engine.answers, 0);
	ck_assert_uint_eq(engine.gone, 0);
	engine_stop(&engine);
}
END_TEST

START_TEST(so_many_asks_are_under_way_and_no_more)
{
	struct engine engine;
	uint32_t      id;

	engine_start(&engine);
	for (int i = 0; i < MONITOR_ASK_MAX_PENDING; i++)
		ck_assert_int_eq(ask_by_type(&engine, REQUEST_CONNECT), 0);
	ck_assert_int_eq(ask_by_type(&engine, REQUEST_CONNECT), -EAGAIN);
	id = hear(&engine, REQUEST_CONNECT);
	answer(&engine, REQUEST_CONNECT, id, EACCES, 0, 0, 0);
	turn(&engine);
	ck_assert_uint_eq(engine.answers, 1);
	ck_assert_int_eq(ask_by_type(&engine, REQUEST_CONNECT), 0);
	engine_stop(&engine);
}
END_TEST

START_TEST(asks_out_of_bounds_are_not_sent)
{
	struct engine engine;

	engine_start(&engine);
	ck_assert_int_eq(monitor_ask_connect(engine.ask, 0, 16, on_lanes,
			     NULL), -EINVAL);
	ck_assert_int_eq(monitor_ask_lanes(engine.ask, 0, 16, 1, on_lanes, NULL),
	    -EINVAL);
	ck_assert_int_eq(monitor_ask_lanes(engine.ask, 0, 0, 0, on_lanes, NULL),
	    -EINVAL);
	ck_assert_int_eq(monitor_ask_lanes(engine.ask, 0, 0, 17, on_lanes, NULL),
	    -EINVAL);
	ck_assert_int_eq(monitor_ask_network(engine.ask, NULL, 17, NULL, 0,
			     on_network, NULL), -E2BIG);
	engine_stop(&engine);
}
END_TEST

START_TEST(the_largest_assignment_fits)
{
	struct engine  engine;
	struct prefix *routes = calloc(REQUEST_MAX_ROUTES, sizeof(*routes));

	ck_assert_ptr_nonnull(routes);
	for (size_t i = 0; i < REQUEST_MAX_ROUTES; i++)
		ck_assert(prefix_parse(&routes[i], "fd00::/64"));
	engine_start(&engine);
	ck_assert_int_eq(monitor_ask_network(engine.ask, routes,
			     REQUEST_MAX_ADDRESSES, routes, REQUEST_MAX_ROUTES,
			     on_network, &engine), 0);
	hear(&engine, REQUEST_NETWORK);
	ck_assert_uint_eq(engine.heard_len, sizeof(struct request_network));
	engine_stop(&engine);
	free(routes);
}
END_TEST

START_TEST(dns_goes_out_within_its_bounds)
{
	struct engine engine;
	struct prefix server;
	char	     *domains[] = { (char[]) { "lan" } };

	ck_assert(prefix_parse(&server, "192.0.2.53"));
	engine_start(&engine);
	ck_assert_int_eq(monitor_ask_dns(engine.ask, &server, 1, domains, 1,
			     on_network, &engine), 0);
	hear(&engine, REQUEST_DNS);
	ck_assert_uint_eq(engine.heard_len, sizeof(struct request_nameservers));
	ck_assert_int_eq(monitor_ask_dns(engine.ask, NULL, CONF_MAX_DNS + 1,
			     NULL, 0, on_network, &engine), -E2BIG);
	ck_assert_int_eq(monitor_ask_dns(engine.ask, NULL, 0, NULL,
			     CONF_MAX_DOMAINS + 1, on_network, &engine),
	    -E2BIG);
	monitor_ask_tell(engine.ask, REQUEST_DOWN);
	hear(&engine, REQUEST_DOWN);
	ck_assert_uint_eq(engine.heard_len, 0);
	engine_stop(&engine);
}
END_TEST

START_TEST(news_of_the_monitor_are_passed_on)
{
	struct engine engine;

	engine_start(&engine);
	say_letter(engine.monitor, 'c');
	turn(&engine);
	ck_assert_uint_eq(engine.confs, 0);
	say_letter(engine.monitor, 'C');
	say_letter(engine.monitor, 'K');
	say_letter(engine.monitor, 'M');
	say_letter(engine.monitor, 't');
	say_letter(engine.monitor, 'p');
	say_letter(engine.monitor, 'W');
	say_letter(engine.monitor, 'n');
	say_letter(engine.monitor, 'e');
	turn(&engine);
	ck_assert_uint_eq(engine.egresses, 1);
	ck_assert_uint_eq(engine.netchanges, 1);
	ck_assert_uint_eq(engine.credentials, 2);
	ck_assert_uint_eq(engine.confs, 2);
	ck_assert_str_eq(engine.text, "vpn.example.org");
	ck_assert_uint_eq(engine.keepers, 1);
	ck_assert_uint_eq(engine.materials, 2);
	ck_assert_uint_eq(engine.gone, 0);
	engine_stop(&engine);
}
END_TEST

START_TEST(wrong_news_end_the_conversation)
{
	static const char wrong[] = "1mkqXDLUASofghirTdP";

	for (const char *c = wrong; *c != '\0'; c++) {
		struct engine engine;

		engine_start(&engine);
		say_letter(engine.monitor, *c);
		turn(&engine);
		ck_assert_msg(engine.gone == 1, "%c", *c);
		engine_stop(&engine);
	}
}
END_TEST

START_TEST(what_has_no_answer_is_said)
{
	struct engine engine;

	engine_start(&engine);
	monitor_ask_tell(engine.ask, REQUEST_READY);
	monitor_ask_tell(engine.ask, REQUEST_DOWN);
	hear(&engine, REQUEST_READY);
	ck_assert_uint_eq(engine.heard_len, 0);
	hear(&engine, REQUEST_DOWN);
	ck_assert_uint_eq(engine.heard_len, 0);
	engine_stop(&engine);
}
END_TEST

START_TEST(a_monitor_that_goes_away_is_noticed)
{
	struct engine engine;

	engine_start(&engine);
	close(engine.monitor);
	engine.monitor = dup(STDERR_FILENO);
	turn(&engine);
	ck_assert_uint_eq(engine.gone, 1);
	ck_assert_int_eq(ask_by_type(&engine, REQUEST_RESOLVE), -ENOTCONN);
	engine_stop(&engine);
}
END_TEST

UNIT_MAIN("monitor_ask", a_gift_is_taken_in_order_or_not_at_all,
    a_gift_that_ends_early_leaves_nothing, a_truncated_request_is_refused,
    a_conf_piece_is_whole, a_configuration_too_large_is_refused,
    what_the_monitor_opens_with_arrives_as_it_was,
    an_answer_reaches_its_asker_or_ends_the_conversation,
    a_list_of_addresses_is_good_or_ends_the_conversation,
    an_answer_to_nobody_ends_the_conversation,
    a_cancelled_ask_is_not_answered_and_leaks_nothing,
    so_many_asks_are_under_way_and_no_more, asks_out_of_bounds_are_not_sent,
    the_largest_assignment_fits, dns_goes_out_within_its_bounds, news_of_the_monitor_are_passed_on,
    wrong_news_end_the_conversation, what_has_no_answer_is_said,
    a_monitor_that_goes_away_is_noticed)
