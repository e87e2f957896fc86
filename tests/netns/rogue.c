/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rogue: tombolo with an engine that somebody took over.
 *
 * Linked from the program's own objects, with this engine_main() instead of its
 * own: so monitor and keeper are the real ones, and this engine has what the
 * real one has, and is held to the same.  What it tries is in $ROGUE; it says
 * "rogue: ATTACK: how it went" on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/if_tun.h>

#include "base/mono.h"
#include "engine/engine.h"
#include "engine/ask/startup_recv.h"
#include "pki/keypair.h"
#include "proc/chan.h"
#include "proc/proc.h"
#include "proc/request.h"
#include "proc/sandbox.h"

#include "rogue.h"

static struct startup_recv startup;
static uint8_t	   buf[CHAN_MAX_PAYLOAD];

/* ---- what the kernel must forbid ---- */

static long
try_open(void)
{
	return open("/etc/hostname", O_RDONLY);
}

static long
try_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static long
try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static long
try_ioctl(void)
{
	return ioctl(startup.queues[0], TUNSETPERSIST, 1);
}

static void *
nothing(void *arg)
{
	return arg;
}

static long
try_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 ? 0 : -1;
}

static long
try_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long
try_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	return connect(startup.udp[0], (struct sockaddr *)&to, sizeof(to));
}

/* ---- what the monitor must not take ---- */

static void
ask_monitor(uint16_t type, const void *data, size_t len, const int *fds,
    unsigned nfds)
{
	chan_send_fd(PROC_CHAN_FD, type, 7, data, len, fds, nfds);
}

static long
ask_connect(void)
{
	const struct request_server server = { .count = 1 };

	ask_monitor(REQUEST_CONNECT, &server, sizeof(server), NULL, 0);
	return 0;
}

static long
ask_network(void)
{
	static const struct request_network network;

	ask_monitor(REQUEST_NETWORK, &network, sizeof(network), NULL, 0);
	return 0;
}

static long
ask_unknown(void)
{
	ask_monitor(999, "x", 1, NULL, 0);
	return 0;
}

static long
ask_pam(void)
{
	const struct request_pam pam = { "berlin", "evil;rm" };

	ask_monitor(REQUEST_PAM, &pam, sizeof(pam), NULL, 0);
	return 0;
}

static long
ask_with_fd(void)
{
	ask_monitor(REQUEST_PONG, NULL, 0, &startup.queues[0], 1);
	return 0;
}

static long
ask_ready_again(void)
{
	ask_monitor(REQUEST_READY, NULL, 0, NULL, 0);
	return 0;
}

/* A datagram that is no request. */
static long
ask_garbage(void)
{
	return send(PROC_CHAN_FD, "xx", 2, 0);
}

/* ---- what the keeper must not give ---- */

/* How many of `n` asks on a channel had an answer without an error. */
static long
ask_keeper(enum request type, const void *data, size_t len, size_t answer_len,
    unsigned n)
{
	struct chan_msg msg;
	uint32_t	error;
	long		good = 0;

	for (unsigned i = 0; i < n; i++) {
		if (chan_send_fd(startup.keeper[1], (uint16_t)type, i + 1, data,
			len, NULL, 0) < 0 ||
		    chan_recv_fd(startup.keeper[1], &msg, buf, 5000) < 0)
			break;
		good += msg.len == answer_len &&
		    chan_get_head(&msg, &error, sizeof(error)) && error == 0;
	}
	return good;
}

/* For the hub's own key. */
static long
ask_to_sign(gnutls_sign_algorithm_t algorithm, unsigned n)
{
	const struct startup_text *chain =
	    &startup.certs[REQUEST_CERTS_CHAIN];
	struct request_sign   sign = { .which = REQUEST_KEY_MAIN,
		  .algorithm = (uint32_t)algorithm, .hash_len = 32 };
	struct keypair_public public = { 0 };
	char		      why[KEYPAIR_WHY_SIZE];

	(void)keypair_read_chain(chain->text, chain->len, &public, NULL, why);
	memcpy(sign.id, public.id, sizeof(sign.id));
	return ask_keeper(REQUEST_SIGN, &sign, sizeof(sign),
	    sizeof(struct request_signature), n);
}

static long
ask_signatures(void)
{
	return ask_to_sign(GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 30000);
}

/* A PKCS #1 signature with the key that is for TLS 1.3. */
static long
ask_forbidden(void)
{
	return ask_to_sign(GNUTLS_SIGN_RSA_SHA256, 1000);
}

static long
ask_verifiers(void)
{
	const struct request_known berlin = { "berlin", 1 };

	return ask_keeper(REQUEST_TLS_SRP, &berlin, sizeof(berlin),
	    sizeof(struct request_tls_srp), 1000);
}

static long
ask_garbage_of_keeper(void)
{
	struct chan_msg msg;

	chan_send_fd(startup.keeper[0], REQUEST_VERIFY, 1, "x", 1, NULL, 0);
	return chan_recv_fd(startup.keeper[0], &msg, buf, 5000);
}

static const struct attack attacks[] = {
	{ "open", try_open },
	{ "exec", try_exec },
	{ "udp", try_udp },
	{ "netlink", try_netlink },
	{ "packet", try_packet },
	{ "ioctl", try_ioctl },
	{ "fork", try_fork },
	{ "thread", try_thread },
	{ "ptrace", try_ptrace },
	{ "readv", try_readv },
	{ "kill", try_kill },
	{ "code", try_code },
	{ "connect", try_connect },
	{ "ask-connect", ask_connect },
	{ "ask-network", ask_network },
	{ "ask-unknown", ask_unknown },
	{ "ask-pam", ask_pam },
	{ "ask-with-fd", ask_with_fd },
	{ "ask-ready-again", ask_ready_again },
	{ "ask-garbage", ask_garbage },
	{ "signatures", ask_signatures },
	{ "forbidden", ask_forbidden },
	{ "verifiers", ask_verifiers },
	{ "keeper-garbage", ask_garbage_of_keeper },
};

int
engine_main(void)
{
	struct mono began;

	attack = getenv("ROGUE");
	sandbox_files(PROC_ENGINE, -1, -1);
	if (attack == NULL || startup_recv_all(PROC_CHAN_FD, &startup) < 0)
		return 1;
	sandbox_calls(PROC_ENGINE);
	chan_send_fd(PROC_CHAN_FD, REQUEST_READY, 0, NULL, 0, NULL, 0);
	say("begins", 0);
	began = mono_now();
	run_attack(attacks, sizeof(attacks) / sizeof(attacks[0]));
	say("milliseconds", (long)(mono_sub(mono_now(), began) / 1000));
	hold_on();
}
