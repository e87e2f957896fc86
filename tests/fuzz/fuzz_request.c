/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_request: what one of our processes may say to another, when it has been
 * taken over.
 *
 * The first byte chooses who listens; the rest are datagrams, each with a
 * 16-bit length before it.
 */
#include "fuzz.h"
#include "fuzz_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/keeper.h"
#include "engine/ask/keeper_ask.h"
#include "engine/ask/sign_ask.h"
#include "proc/chan.h"
#include "proc/request.h"

enum listener { FIELDS, BLOCKING, KEEPER_AUTH, KEEPER_SIGN, ASK_AUTH, ASK_SIGN };

#define MAX_DATAGRAMS 8 /* each password takes its time */

static void
send_datagrams(struct fuzz_reader *r, int fd)
{
	for (int i = 0; i < MAX_DATAGRAMS && fuzz_left(r) > 2; i++) {
		size_t	       len = fuzz_get_u16(r);
		const uint8_t *p;

		if (len > fuzz_left(r))
			len = fuzz_left(r);
		p = fuzz_get_view(r, len);
		if (send(fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
			return;
	}
}

static void
check_fields(struct fuzz_reader *r)
{
	struct prefix list[REQUEST_MAX_ADDRESSES];
	uint8_t	      n = fuzz_get_u8(r);
	char	      text[64];

	memset(list, 0, sizeof(list));
	memcpy(list, r->data + r->pos, fuzz_left(r) < sizeof(list) ?
		fuzz_left(r) : sizeof(list));
	if (!request_prefixes_are_good(list, n, REQUEST_MAX_ADDRESSES))
		return;
	FUZZ_CHECK(n <= REQUEST_MAX_ADDRESSES);
	for (unsigned i = 0; i < n; i++) {
		FUZZ_CHECK(list[i].len <= addr_bits(list[i].addr.family));
		prefix_print(&list[i], text, sizeof(text));
	}
}

static void
receive_blocking(int fd)
{
	static uint8_t	buf[CHAN_MAX_PAYLOAD];
	struct chan_msg msg;
	int		r;

	while ((r = chan_recv_fd(fd, &msg, buf, 0)) != -EPIPE &&
	    r != -ETIMEDOUT) {
		FUZZ_CHECK(r == 0 || r == -EBADMSG);
		if (r == 0) {
			FUZZ_CHECK(msg.len <= CHAN_MAX_PAYLOAD);
			chan_msg_close_fds(&msg);
		}
	}
}

/* All its threads; it ends when it has read everything. */
static void
serve_keeper(int auth, int sign)
{
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	FUZZ_CHECK(dir != -1);
	keeper_serve(auth, sign, dir, dup(dir), -1, NULL);
}

static void
on_verdict(void *arg, const struct request_verdict *answer)
{
	FUZZ_CHECK(answer->grant.token_len <= REQUEST_MAX_TOKEN);
	++*(unsigned *)arg;
}

static void
on_secret(void *arg, const char *secret, size_t len, int error)
{
	FUZZ_CHECK((secret == NULL) == (error != 0));
	FUZZ_CHECK(secret == NULL || len <= REQUEST_MAX_PASSWORD);
	++*(unsigned *)arg;
}

static void
on_challenge(void *arg, const struct request_srp_challenge *challenge)
{
	FUZZ_CHECK(challenge == NULL ||
	    (challenge->state_len <= sizeof(challenge->state) &&
		challenge->public_b_len <= sizeof(challenge->public_b) &&
		request_text_is_good(challenge->setting)));
	++*(unsigned *)arg;
}

static void
on_srp(void *arg, const struct request_srp_answer *answer, int error)
{
	FUZZ_CHECK((answer == NULL) == (error != 0));
	FUZZ_CHECK(answer == NULL ||
	    answer->public_a_len <= sizeof(answer->public_a));
	++*(unsigned *)arg;
}

static void
ask(int auth, int sign)
{
	static const uint8_t binding[32];
	struct ev_loop	  *loop = ev_loop_new(EVFLAG_AUTO);
	struct keeper_ask *keeper = keeper_ask_new(loop);
	struct sign_ask	  *signer = sign_ask_new();
	static const struct keypair_public public = {
		.pk = GNUTLS_PK_ECDSA,
		.bits = 256,
	};
	struct ca_pem	   chain = { 0 };
	char		   why[REQUEST_WHY_SIZE];
	gnutls_privkey_t   key;
	unsigned	   answers = 0;

	sign_ask_attach(signer, sign);
	keeper_ask_attach(keeper, auth);
	keeper_ask_verify(keeper, "berlin", true, "x", 1, 60, on_verdict,
	    &answers);
	keeper_ask_secret(keeper, REQUEST_SECRET, on_secret, &answers);
	keeper_ask_srp_start(keeper, "berlin", true, on_challenge, &answers);
	keeper_ask_srp_answer(keeper, "berlin", 3072, "$y$", binding,
	    sizeof(binding), binding, on_srp, &answers);
	for (int i = 0; i < 2 * MAX_DATAGRAMS; i++)
		ev_run(loop, EVRUN_NOWAIT);
	FUZZ_CHECK(answers <= 4);
	if (sign_ask_kept(signer, REQUEST_KEY_MAIN, &chain, why) == 0)
		FUZZ_CHECK(strlen(chain.text) <= chain.len);
	ca_pem_fini(&chain);
	key = sign_ask_privkey(signer, REQUEST_KEY_MAIN, &public);
	if (key != NULL) {
		uint8_t	       hash[32] = { 1 };
		gnutls_datum_t datum = { hash, sizeof(hash) };
		gnutls_datum_t signature;

		if (gnutls_privkey_sign_hash2(key, GNUTLS_SIGN_ECDSA_SHA256, 0,
			&datum, &signature) == 0)
			gnutls_free(signature.data);
		gnutls_privkey_deinit(key);
	}
	keeper_ask_free(keeper);
	sign_ask_free(signer);
	ev_loop_destroy(loop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_reader r;
	int		   auth[2], sign[2];
	enum listener	   who;

	log_init(NULL, LOG_LEVEL_ERROR);
	fuzz_reader_init(&r, data, size);
	who = fuzz_get_u8(&r) % (ASK_SIGN + 1);
	if (who == FIELDS) {
		check_fields(&r);
		return 0;
	}
	FUZZ_CHECK(chan_pair(auth) == 0);
	FUZZ_CHECK(chan_pair(sign) == 0);
	send_datagrams(&r,
	    who == KEEPER_SIGN || who == ASK_SIGN ? sign[0] : auth[0]);
	/* Behind them comes the end; until then answers find a reader. */
	shutdown(auth[0], SHUT_WR);
	shutdown(sign[0], SHUT_WR);
	switch (who) {
	case KEEPER_AUTH:
	case KEEPER_SIGN:
		serve_keeper(auth[1], sign[1]);
		break;
	case ASK_AUTH:
	case ASK_SIGN:
		ask(auth[1], sign[1]);
		break;
	default:
		receive_blocking(auth[1]);
		close(auth[1]);
		close(sign[1]);
	}
	close(auth[0]);
	close(sign[0]);
	return 0;
}
