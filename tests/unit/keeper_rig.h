/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper_rig: a keeper for a test to ask: a process of its own, over real
 * channels, on a directory below /tmp; and the loop to wait for its answers in.
 *
 * It is confined as a real one; sandbox.c is part of the program, so that a
 * violation names its callers.
 *
 * rig_setup() and rig_teardown() are the fixture.  What is below `dir` goes with
 * it.
 */
#ifndef KEEPER_RIG_H
#define KEEPER_RIG_H

#include "config.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#ifndef SANDBOX_TRAP
#define SANDBOX_TRAP 1
#endif
#define calls sandbox_rows /* a name that tests have, too */
#include "proc/sandbox.c"
#undef calls

#include "base/file.h"
#include "base/log.h"
#include "base/mono.h"
#include "keeper/auth_password.h"
#include "keeper/credentials.h"
#include "keeper/keeper.h"
#include "keeper/secret_store.h"
#include "engine/ask/keeper_ask.h"
#include "engine/ask/sign_ask.h"
#include "pki/keypair.h"
#include "proc/chan.h"
#include "proc/heap_warmup.h"

static struct ev_loop	 *loop;
static struct keeper_ask *ask;
static struct sign_ask	 *signer;
static char		  dir[64];

static inline void
put_below(const char *where, const char *name, const char *text, mode_t mode)
{
	char *path = file_join(where, name);

	ck_assert_int_eq(file_write(path, text, strlen(text), mode, (uid_t)-1,
			     (gid_t)-1), 0);
	/* Also of one that was there with another mode. */
	ck_assert_int_eq(chmod(path, mode), 0);
	free(path);
}

static inline void
put(const char *name, const char *text, mode_t mode)
{
	put_below(dir, name, text, mode);
}

static inline void
put_hash(const char *name, const char *password)
{
	char hash[AUTH_PASSWORD_HASH_SIZE + 1];

	ck_assert_int_eq(auth_password_hash(password, hash,
			     AUTH_PASSWORD_HASH_SIZE), 0);
	strcat(hash, "\n");
	put(name, hash, 0600);
}

static inline void
put_key(const char *name, gnutls_pk_algorithm_t pk, unsigned bits,
    gnutls_x509_privkey_t *key)
{
	gnutls_datum_t pem;

	ck_assert_int_eq(gnutls_x509_privkey_init(key), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(*key, pk, bits, 0), 0);
	/* The other format has no word for RSA-PSS. */
	ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(*key,
			     GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
			     &pem), 0);
	put(name, (const char *)pem.data, 0600);
	gnutls_free(pem.data);
}

static inline struct keypair_public
public_of(gnutls_x509_privkey_t key)
{
	struct keypair pair;
	gnutls_datum_t pem;
	char	       why[KEYPAIR_WHY_SIZE];

	ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(key,
			     GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
			     &pem), 0);
	ck_assert_msg(keypair_read_key((const char *)pem.data, pem.size, &pair,
			  why), "%s", why);
	gnutls_privkey_deinit(pair.key);
	gnutls_free(pem.data);
	return pair.public;
}

/* Signed by itself. */
static inline void
make_certificate(gnutls_x509_privkey_t key, gnutls_pcert_st *pcert)
{
	gnutls_x509_crt_t crt;

	ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\1", 1);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
	gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL);
	gnutls_x509_crt_set_key(crt, key);
	ck_assert_int_eq(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256,
			     0), 0);
	ck_assert_int_eq(gnutls_pcert_import_x509(pcert, crt, 0), 0);
	gnutls_x509_crt_deinit(crt);
}

static inline void
rig_setup(void)
{
	char *sites;

	log_init(NULL, LOG_LEVEL_ERROR);
	strcpy(dir, "/tmp/check_keeper.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	sites = file_join(dir, "sites");
	ck_assert_int_eq(mkdir(sites, 0700), 0);
	free(sites);
	loop = ev_loop_new(EVFLAG_AUTO);
	ask = keeper_ask_new(loop);
	signer = sign_ask_new();
	ck_assert(ask != NULL && signer != NULL);
}

static inline void
remove_all(const char *path)
{
	DIR	      *list = opendir(path);
	struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		char *below = file_join(path, entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 && unlink(below) == -1)
			remove_all(below);
		free(below);
	}
	if (list != NULL)
		closedir(list);
	rmdir(path);
}

static inline void
rig_teardown(void)
{
	keeper_ask_free(ask);
	sign_ask_free(signer);
	ev_loop_destroy(loop);
	/* The keeper ends by itself when its channels close. */
	while (wait(NULL) > 0)
		;
	remove_all(dir);
}

static inline void
confine_keeper(void)
{
	sandbox_calls(PROC_KEEPER);
}

/* The same as text. */
static inline struct ca_pem
make_chain(gnutls_x509_privkey_t key)
{
	gnutls_x509_crt_t crt;
	gnutls_pcert_st	  pcert;
	gnutls_datum_t	  pem;
	struct ca_pem	  chain;

	make_certificate(key, &pcert);
	ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(crt, &pcert.cert,
			     GNUTLS_X509_FMT_DER), 0);
	ck_assert_int_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM,
			     &pem), 0);
	chain = (struct ca_pem) { strndup((char *)pem.data, pem.size),
		pem.size };
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_pcert_deinit(&pcert);
	return chain;
}

/* `voucher` is a pipe to read the key from, or -1; consumed. */
static inline pid_t
start_keeper(const char *where, int voucher, int *auth, int *sign)
{
	int   a[2], s[2], d;
	pid_t pid;

	d = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(d, 0);
	ck_assert_int_eq(chan_pair(a), 0);
	ck_assert_int_eq(chan_pair(s), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* Not even an earlier keeper's channels stay open in it. */
		close(a[0]);
		close(s[0]);
		keeper_ask_free(ask);
		sign_ask_free(signer);
		heap_warmup_settle();
		sandbox_files(PROC_KEEPER, -1, d);
		_exit(keeper_serve(a[1], s[1], d, dup(d), voucher,
			  confine_keeper) == 0 ? 0 : 1);
	}
	close(a[1]);
	close(s[1]);
	close(d);
	if (voucher != -1)
		close(voucher);
	*auth = a[0];
	*sign = s[0];
	return pid;
}

static inline void
attach(int auth, int sign)
{
	sign_ask_attach(signer, sign);
	keeper_ask_attach(ask, auth);
}

/* As an engine asks that does not hold to sign_ask.c. */
static inline void
sign_by(int fd, enum request_key which, const struct keypair_public *public,
    uint32_t algorithm, const void *hash, size_t len,
    struct request_signature *answer)
{
	static uint8_t	    buf[CHAN_MAX_PAYLOAD];
	struct request_sign wish = { .which = which, .algorithm = algorithm,
		.hash_len = (uint32_t)len };
	struct chan_msg	    msg;

	memcpy(wish.id, public->id, sizeof(wish.id));
	memcpy(wish.hash, hash, len);
	ck_assert_int_eq(chan_send_fd(fd, REQUEST_SIGN, 1, &wish, sizeof(wish),
			     NULL, 0), 0);
	ck_assert_int_eq(chan_recv_fd(fd, &msg, buf, 5000), 0);
	ck_assert(chan_get(&msg, answer, sizeof(*answer)));
	ck_assert((answer->len > 0) == (answer->error == 0));
}

static inline void
put_credential_line(const char *name, const char *line)
{
	char text[SECRET_STORE_LINE_SIZE + 1];

	snprintf(text, sizeof(text), "%s\n", line);
	put(name, text, 0600);
}

static inline void
put_server_key(void)
{
	gnutls_x509_privkey_t clear;

	put_key(CREDENTIALS_KEY, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	gnutls_x509_privkey_deinit(clear);
}

static inline pid_t
attach_keeper(void)
{
	int   auth, sign;
	pid_t pid = start_keeper(dir, -1, &auth, &sign);

	attach(auth, sign);
	return pid;
}

static inline void
on_tick(struct ev_loop *l, struct ev_timer *w, int what)
{
}

/* Turns the loop until `*calls` is `n`, or for two minutes: hashes are slow. */
static inline void
wait_for(const unsigned *calls, unsigned n)
{
	struct mono	end = mono_add(mono_now(), 120 * MONO_SEC);
	struct ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.02, 0.02);
	ev_timer_start(loop, &tick);
	while (*calls < n && !mono_is_due(end, mono_now()))
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
}

#endif /* KEEPER_RIG_H */
