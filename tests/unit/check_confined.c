/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an engine does at work, done under the filter that it works under, with
 * as much as the manuals allow: no library may make a call then that the list
 * does not have.  The keeper's is keeper_rig.h.
 *
 * sandbox.c is part of this program, so that a violation names its callers in
 * every build.
 */
#include "base/json_safe.h"
#include "config.h"

#undef NDEBUG /* the work is done in assertions */

/* Before seccomp.h, whose elf.h has an EV_NONE of its own. */
#include <ev.h>

#ifndef SANDBOX_TRAP
#define SANDBOX_TRAP 1
#endif
#include "proc/sandbox.c"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <gnutls/x509.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <bsd/stdlib.h>

#include "engine/listings.h"
#include "engine/status.h"
#include "engine/engine.h"
#include "dataplane/dataplane.h"
#include "control/conn/message.h"
#include "control/server.h"
#include "datapath/record/aead.h"
#include "datapath/switch/fdb.h"
#include "datapath/util/lpm.h"
#include "pki/ca.h"
#include "proc/heap_warmup.h"
#include "unit.h"

#define WORKERS CONF_MAX_WORKERS
#define MANY	65536

static struct engine engine;
static struct ca_pem ca_key, ca_cert;
static int	     pairs[2][2]; /* of streams, of datagrams */

/* ---- threads that are there before the filter is ---- */

static pthread_barrier_t turn;
static pthread_t	 crew[WORKERS];
static void (*crew_work)(uintptr_t n);

static void *
serve_turns(void *arg)
{
	for (;;) {
		pthread_barrier_wait(&turn);
		if (crew_work == NULL)
			return NULL;
		crew_work((uintptr_t)arg);
		pthread_barrier_wait(&turn);
	}
}

static void
all_do(void (*work)(uintptr_t n))
{
	crew_work = work;
	pthread_barrier_wait(&turn);
	if (work != NULL)
		pthread_barrier_wait(&turn);
	for (unsigned i = 0; work == NULL && i < WORKERS; i++)
		pthread_join(crew[i], NULL);
}

/* ---- an engine ---- */

/* A hub's with `n` sites, each with up to 16 addresses; 1000 subnets. */
static struct conf *
make_conf(const char *mode, unsigned n, unsigned addresses)
{
	static const struct conf_errors none = { 0 };
	struct conf_errors errors = none;
	struct conf *conf;
	char	    *text;
	size_t	     len;
	FILE	    *f = open_memstream(&text, &len);

	fprintf(f, "[server]\nname = a.example.org\n[interface]\nmode = %s\n",
	    mode);
	if (strcmp(mode, "tun") == 0)
		fprintf(f, "tunnel-network = 10.0.0.0/8\n");
	for (unsigned i = 0; i < n; i++) {
		fprintf(f, "[site s%u]\n", n - i);
		for (unsigned j = 0; j < addresses; j++)
			fprintf(f, "address = 10.%u.%u.%u\n", j + 1, i / 250,
			    i % 250 + 2);
		if (i < 1000 && strcmp(mode, "tun") == 0)
			fprintf(f, "subnet = 172.%u.%u.0/24\n", 16 + i / 250,
			    i % 250);
	}
	fclose(f);
	conf = conf_parse_text(text, len, "text", "/", &errors);
	free(text);
	assert(conf != NULL);
	return conf;
}

static struct tls_context *
make_context(gnutls_pk_algorithm_t pk, unsigned bits, struct ca_pem *crl);

static void
nothing(void *arg)
{
}

/* As engine.c starts one, but that its device is a socket. */
static void
start(const char *mode)
{
	struct startup_recv *startup = &engine.startup;

	(void)setenv("SSLKEYLOGFILE", "/tmp/keys", 1);
	json_safe_setup();
	tls_context_setup();
	heap_warmup_settle();
	sandbox_files(PROC_ENGINE, -1, -1);
	engine.loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	engine.conf = startup->conf = make_conf(mode, 1, strcmp(mode, "tun") == 0);
	startup->nqueues = WORKERS;
	startup->nlisteners = 1;
	startup->device.mtu = 1500;
	startup->totals = memfd_create("totals", MFD_CLOEXEC);
	assert(ftruncate(startup->totals, REQUEST_TOTALS_SIZE) == 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		int device[2];

		assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
			   device) == 0);
		startup->queues[i] = device[0];
		startup->udp[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	}
	engine.dataplane = dataplane_new(engine.loop, startup, nothing, NULL);
	assert(engine.dataplane != NULL);
	for (int i = 0; i < 2; i++)
		assert(socketpair(AF_UNIX, (i == 0 ? SOCK_STREAM :
			   SOCK_DGRAM) | SOCK_NONBLOCK, 0, pairs[i]) == 0);
	pthread_barrier_init(&turn, NULL, WORKERS + 1);
	for (uintptr_t i = 0; i < WORKERS; i++)
		assert(pthread_create(&crew[i], NULL, serve_turns,
			   (void *)i) == 0);
	sandbox_calls(PROC_ENGINE);
	startup->nlisteners = 0; /* nobody connects here */
	engine.server = server_new(engine.loop, engine.conf, engine.dataplane,
	    NULL,
	    NULL, make_context(GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), NULL), startup);
	assert(engine.server != NULL);
}

static void
stop(void)
{
	all_do(NULL);
	server_free(engine.server);
	dataplane_free(engine.dataplane);
	ev_loop_destroy(engine.loop);
	conf_free(engine.conf);
}

/* How a process of its own ends that does `work` as an engine; its stderr. */
static int
end_of(const char *mode, void (*work)(void), char *said, size_t size)
{
	int	status, out[2];
	size_t	n = 0;
	ssize_t got;
	pid_t	pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		start(mode);
		work();
		stop();
		_exit(0);
	}
	close(out[1]);
	while ((got = read(out[0], said + n, size - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
must_live(const char *mode, void (*work)(void))
{
	static char said[65536];
	int	    status = end_of(mode, work, said, sizeof(said));

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %#x\n%s", (unsigned)status, said);
}

/* ---- sites, routes, and what is said of them ---- */

static void
answer_all(void)
{
	json_t *(*const answers[])(struct engine *, const json_t *) = {
		status_get, listings_sites, listings_fdb, listings_routes };
	json_free_t release;

	json_get_alloc_funcs(NULL, &release);
	for (size_t i = 0; i < nitems(answers); i++) {
		json_t *answer = answers[i](&engine, NULL);
		char   *text = json_dumps(answer, JSON_COMPACT);

		assert(text != NULL);
		release(text);
		json_decref(answer);
	}
}

static void
have_sites(unsigned n, unsigned addresses)
{
	struct conf *old = engine.conf;

	engine.conf = make_conf("tun", n, addresses);
	dataplane_reconfigure(engine.dataplane, engine.conf);
	server_reconfigure(engine.server, engine.conf);
	answer_all();
	ev_run(engine.loop, EVRUN_NOWAIT);
	conf_free(old);
}

static void
grow(void)
{
	static const unsigned steps[] = { 2, 3, 10, 60, 61, 62, 63, 64, 65, 100,
		300, 1000, 2047, 2048, 2049, 4095, 4096, 2000, 62, 1 };

	for (size_t i = 0; i < nitems(steps); i++)
		have_sites(steps[i], 1);
	have_sites(4096, 16);
	have_sites(1, 16);
}

START_TEST(hub_grows_to_as_many_sites_as_there_may_be)
{
	must_live("tun", grow);
}
END_TEST

static void
learn(uintptr_t n)
{
	struct fdb *fdb =
	    (struct fdb *)(uintptr_t)dataplane_fdb(engine.dataplane);

	for (unsigned i = 0; i < MANY / WORKERS; i++) {
		uint8_t mac[6] = { 2, 0, (uint8_t)n, 0, (uint8_t)(i >> 8),
			(uint8_t)i };

		(void)fdb_learn(fdb, mac, (uint16_t)(i % 4),
		    (uint16_t)(1 + i % (1 + CONF_MAX_SITES)), mono_now());
	}
}

/* Each row has the name of its site, or of this host's network. */
static void
look_at_names(void)
{
	json_t *answer = listings_fdb(&engine, NULL), *row;
	size_t	i, local = 0;

	json_array_foreach(json_object_get(answer, "entries"), i, row) {
		const char *name = json_string_value(
		    json_object_get(row, "port"));

		local += strcmp(name, "local") == 0;
		assert(strcmp(name, "local") == 0 ||
		    sites_find(&engine.server->sites, name) != NULL);
	}
	assert(i > MANY / 4 && local > 0 && local <= WORKERS);
	json_decref(answer);
}

static void
fill_fdb(void)
{
	struct conf *old = engine.conf;

	engine.conf = make_conf("tap", CONF_MAX_SITES, 0);
	engine.conf->max_addresses_per_site = MANY;
	dataplane_reconfigure(engine.dataplane, engine.conf);
	server_reconfigure(engine.server, engine.conf);
	all_do(learn);
	assert(fdb_count(dataplane_fdb(engine.dataplane)) > MANY / 4);
	answer_all();
	look_at_names();
	conf_free(old);
}

START_TEST(switch_learns_as_many_addresses_as_it_may)
{
	must_live("tap", fill_fdb);
}
END_TEST

static void
encode_all(void)
{
	struct message msg = { .type = MESSAGE_WELCOME, .session = 1,
		.lanes = 16, .keepalive_sec = 10, .dead_peer_sec = 30,
		.rekey_sec = 3600, .rekey_mib = 1, .mtu = 1500 };
	struct message back;
	const char    *why;
	size_t	       len;
	char	      *text;

	for (size_t n = 1; n <= MESSAGE_MAX_ROUTES; n *= 2) {
		msg.routes = calloc(n, sizeof(*msg.routes));
		for (msg.nroutes = 0; msg.nroutes < n; msg.nroutes++) {
			struct prefix *p = &msg.routes[msg.nroutes];

			*p = (struct prefix) { { .family = AF_INET6 }, 128 };
			arc4random_buf(p->addr.bytes, 16);
		}
		text = message_encode(&msg, &len);
		assert(text != NULL);
		assert(message_decode(&back, text, len, &why) == 0);
		assert(back.nroutes == n);
		message_fini(&back);
		free(text);
		free(msg.routes);
	}
}

START_TEST(messages_are_long)
{
	must_live("tun", encode_all);
}
END_TEST

/* ---- TLS ---- */

static void
make_certificate(gnutls_pk_algorithm_t pk, unsigned bits,
    gnutls_x509_privkey_t *key, gnutls_x509_crt_t *crt)
{
	assert(gnutls_x509_privkey_init(key) == 0);
	assert(gnutls_x509_privkey_generate(*key, pk, bits, 0) == 0);
	assert(gnutls_x509_crt_init(crt) == 0);
	gnutls_x509_crt_set_version(*crt, 3);
	gnutls_x509_crt_set_serial(*crt, "\1", 1);
	gnutls_x509_crt_set_activation_time(*crt, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(*crt, time(NULL) + 3600);
	gnutls_x509_crt_set_dn(*crt, "CN=a.example.org", NULL);
	gnutls_x509_crt_set_subject_alt_name(*crt, GNUTLS_SAN_DNSNAME,
	    "a.example.org", 13, GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_key(*crt, *key);
	assert(gnutls_x509_crt_sign2(*crt, *crt, *key, GNUTLS_DIG_SHA512, 0) ==
	    0);
}

/* As new certificates make one, while the engine runs. */
static struct tls_context *
make_context(gnutls_pk_algorithm_t pk, unsigned bits, struct ca_pem *crl)
{
	struct tls_context_server config = { .site_ca = { ca_cert.text,
		ca_cert.len } };
	struct tls_context   *tls;
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t     crt;
	gnutls_datum_t	      pem;
	char		      why[TLS_WHY_SIZE] = "";

	make_certificate(pk, bits, &key, &crt);
	assert(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) == 0);
	config.chain = (struct ca_pem) { (char *)pem.data, pem.size };
	if (crl != NULL)
		config.crl = (struct ca_pem) { crl->text, crl->len };
	gnutls_privkey_init(&config.key);
	gnutls_privkey_import_x509(config.key, key,
	    GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	tls = tls_context_new_server(&config, why);
	if (tls == NULL)
		log_warnx("%s", why);
	assert(tls != NULL);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	return tls;
}

static const struct {
	gnutls_pk_algorithm_t pk;
	unsigned	      bits;
} keys[] = {
	{ GNUTLS_PK_RSA, 2048 },
	{ GNUTLS_PK_RSA, 4096 },
	{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
	{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
};
static gnutls_certificate_credentials_t credentials[nitems(keys)];
static gnutls_certificate_credentials_t anybody;

static gnutls_session_t
make_end(gnutls_certificate_credentials_t cred, unsigned flags, int fd)
{
	gnutls_session_t end;

	assert(gnutls_init(&end, flags | GNUTLS_NONBLOCK) == 0);
	assert(gnutls_set_default_priority(end) == 0);
	assert(gnutls_credentials_set(end, GNUTLS_CRD_CERTIFICATE, cred) == 0);
	if ((flags & GNUTLS_DATAGRAM) != 0)
		gnutls_dtls_set_timeouts(end, 1000, 60000);
	else
		gnutls_handshake_set_timeout(end, GNUTLS_INDEFINITE_TIMEOUT);
	gnutls_transport_set_int(end, fd);
	return end;
}

/* Both ends of it, and a few records with new keys. */
static void
shake_hands(gnutls_certificate_credentials_t cred, bool datagrams)
{
	unsigned	 kind = datagrams ? GNUTLS_DATAGRAM : 0;
	gnutls_session_t a, b;
	char		 data[2048] = "";
	int		 done = 0, r = 0, q = 0;

	a = make_end(cred, kind | GNUTLS_SERVER, pairs[datagrams][0]);
	b = make_end(anybody, kind | GNUTLS_CLIENT, pairs[datagrams][1]);
	for (int i = 0; i < 1000 && done != 3; i++) {
		if ((done & 1) == 0 && (r = gnutls_handshake(a)) == 0)
			done |= 1;
		if ((done & 2) == 0 && (q = gnutls_handshake(b)) == 0)
			done |= 2;
	}
	if (done != 3)
		log_warnx("%d %s, %s", datagrams, gnutls_strerror(r),
		    gnutls_strerror(q));
	assert(done == 3);
	for (int i = 0; i < 4; i++) {
		assert(gnutls_record_send(a, data, 1000) == 1000);
		while (gnutls_record_recv(b, data, sizeof(data)) != 1000)
			;
		if (!datagrams)
			assert(gnutls_session_key_update(a, 0) == 0);
	}
	gnutls_deinit(a);
	gnutls_deinit(b);
	for (int i = 0; i < 2; i++) {
		while (recv(pairs[datagrams][i], data, sizeof(data), 0) > 0)
			;
	}
}

static void
make_credentials(void)
{
	for (size_t i = 0; i < nitems(keys); i++) {
		gnutls_x509_privkey_t key;
		gnutls_x509_crt_t     crt;

		make_certificate(keys[i].pk, keys[i].bits, &key, &crt);
		gnutls_certificate_allocate_credentials(&credentials[i]);
		assert(gnutls_certificate_set_x509_key(credentials[i], &crt, 1,
			   key) >= 0);
		gnutls_x509_crt_deinit(crt);
		gnutls_x509_privkey_deinit(key);
	}
	gnutls_certificate_allocate_credentials(&anybody);
}

static void
shake_all_hands(void)
{
	make_credentials();
	for (size_t i = 0; i < nitems(keys); i++) {
		tls_context_put(make_context(keys[i].pk, keys[i].bits, NULL));
		shake_hands(credentials[i], false);
		shake_hands(credentials[i], true);
	}
}

START_TEST(handshakes_with_large_keys)
{
	must_live("tun", shake_all_hands);
}
END_TEST

static void
take_long_list(void)
{
	struct ca_pem	      crl;
	gnutls_x509_crl_t     list;
	gnutls_x509_crt_t     issuer;
	gnutls_x509_privkey_t key;
	gnutls_datum_t	      pem = { (unsigned char *)ca_cert.text,
			      (unsigned)ca_cert.len };

	gnutls_x509_crt_init(&issuer);
	assert(gnutls_x509_crt_import(issuer, &pem, GNUTLS_X509_FMT_PEM) == 0);
	pem = (gnutls_datum_t) { (unsigned char *)ca_key.text,
		(unsigned)ca_key.len };
	gnutls_x509_privkey_init(&key);
	assert(gnutls_x509_privkey_import(key, &pem, GNUTLS_X509_FMT_PEM) == 0);
	gnutls_x509_crl_init(&list);
	gnutls_x509_crl_set_version(list, 2);
	for (unsigned i = 0; i < 4096; i++)
		gnutls_x509_crl_set_crt_serial(list, &i, sizeof(i), time(NULL));
	gnutls_x509_crl_set_this_update(list, time(NULL));
	gnutls_x509_crl_set_next_update(list, time(NULL) + 3600);
	gnutls_x509_crl_set_number(list, "\1", 1);
	assert(gnutls_x509_crl_sign2(list, issuer, key, GNUTLS_DIG_SHA256, 0) ==
	    0);
	assert(gnutls_x509_crl_export2(list, GNUTLS_X509_FMT_PEM, &pem) == 0);
	crl = (struct ca_pem) { (char *)pem.data, pem.size };
	server_set_tls(engine.server, make_context(GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &crl));
	gnutls_free(pem.data);
	gnutls_x509_crl_deinit(list);
	gnutls_x509_crt_deinit(issuer);
	gnutls_x509_privkey_deinit(key);
}

START_TEST(list_of_revoked_certificates_is_long)
{
	must_live("tun", take_long_list);
}
END_TEST

/* ---- the C library itself, on any thread ---- */

static int
by_value(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(int));
}

static void
use_library(uintptr_t n)
{
	char	     text[256], *stream;
	size_t	     len, size = 1;
	time_t	     now = time(NULL);
	struct tm    tm;
	FILE	    *f;
	int	    *numbers;
	void	    *p = NULL;
	gnutls_x509_privkey_t key;

	for (; size <= 1 << 20; size *= 2) {
		p = realloc(p, size);
		memset(p, (int)n, size);
		numbers = malloc(size + sizeof(int));
		arc4random_buf(numbers, size);
		qsort(numbers, size / sizeof(int), sizeof(int), by_value);
		free(numbers);
	}
	free(p);
	assert(posix_memalign(&p, 4096, 1 << 20) == 0);
	free(p);
	assert(getrandom(text, sizeof(text), 0) == sizeof(text));
	assert(gnutls_rnd(GNUTLS_RND_KEY, text, sizeof(text)) == 0);
	gnutls_x509_privkey_init(&key);
	assert(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		   GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0);
	gnutls_x509_privkey_deinit(key);
	assert(gmtime_r(&now, &tm) != NULL && localtime_r(&now, &tm) != NULL);
	assert(strftime(text, sizeof(text), "%F %T %Z", &tm) > 0);
	(void)mktime(&tm);
	snprintf(text, sizeof(text), "%f %s %s %m", strtod("1e300", NULL),
	    strerror(EACCES), strerror(99999));
	log_warnx("%s", text);
	f = open_memstream(&stream, &len);
	for (unsigned i = 0; i < 100000; i++)
		fprintf(f, "%u\n", i);
	fclose(f);
	f = fmemopen(stream, len, "r");
	while (fgets(text, sizeof(text), f) != NULL)
		;
	fclose(f);
	free(stream);
}

static void
use_library_everywhere(void)
{
	use_library(0);
	all_do(use_library);
}

/* A worker's lanes come, send and receive, are told lies, and go. */
static void
use_ciphers(uintptr_t n)
{
	const struct aead *aead = dataplane_aead(engine.dataplane);
	uint8_t		   secret[32] = { (uint8_t)n }, bytes[4400 + AEAD_TAG];
	struct aead_record r = { .nonce = secret, .aad = secret, .aad_len = 13,
		.src = bytes, .dst = bytes };
	struct aead_key	   lanes[AEAD_CIPHERS * 32];

	memset(bytes, 0, sizeof(bytes));
	for (unsigned i = 0; i < nitems(lanes); i++)
		assert(aead_key_init(&lanes[i], aead->of[i % AEAD_CIPHERS],
		    (enum aead_cipher)(i % AEAD_CIPHERS), secret));
	for (unsigned i = 0; i < nitems(lanes); i++) {
		r.len = 1 + i * 45;
		assert(aead_seal(&lanes[i], &r, 1));
		assert(aead_open(&lanes[i], &r, 1) == 1);
		assert(aead_open(&lanes[i], &r, 1) == 0);
		aead_key_fini(&lanes[i]);
	}
}

static void
use_ciphers_everywhere(void)
{
	use_ciphers(0);
	all_do(use_ciphers);
}

START_TEST(ciphers_are_used_on_every_thread)
{
	must_live("tun", use_ciphers_everywhere);
}
END_TEST

START_TEST(library_is_used_on_every_thread)
{
	must_live("tun", use_library_everywhere);
}
END_TEST

/* ---- what must not live ---- */

static void
fail_an_assertion(void)
{
	assert(engine.server == NULL);
}

START_TEST(failed_assertion_is_told)
{
	static char said[65536];
	int	    status = end_of("tun", fail_an_assertion, said,
			   sizeof(said));

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
	    "status %#x\n%s", (unsigned)status, said);
	ck_assert_msg(strstr(said, "engine.server == NULL") != NULL, "%s",
	    said);
}
END_TEST

static void
open_a_file(void)
{
	FILE *f = fopen("/etc/hostname", "r");

	_exit(f != NULL ? 1 : 2);
}

START_TEST(violation_names_its_caller)
{
	static char said[65536];
	int	    status = end_of("tun", open_a_file, said, sizeof(said));

	if (!sandbox_has_seccomp())
		return;
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
	    "status %#x\n%s", (unsigned)status, said);
	ck_assert_msg(strstr(said, "system call") != NULL &&
		strstr(said, "fopen") != NULL &&
		strstr(said, "check_confined") != NULL, "%s", said);
}
END_TEST

#if defined(HAVE_SECCOMP) && !defined(WITH_SANITIZER)

/* The filter of `role`, in words, as `arch` would have it; to be freed. */
static char *
describe(enum proc_role role, uint32_t arch)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	FILE *f = tmpfile();
	char *text = calloc(1, MANY);

	if (arch != seccomp_arch_native()) {
		ck_assert_int_eq(seccomp_arch_add(filter, arch), 0);
		ck_assert_int_eq(seccomp_arch_remove(filter,
				     SCMP_ARCH_NATIVE), 0);
	}
	ck_assert_int_eq(fill(filter, role, arch), 0);
	ck_assert_int_eq(seccomp_export_pfc(filter, fileno(f)), 0);
	seccomp_release(filter);
	rewind(f);
	ck_assert_uint_lt(fread(text, 1, MANY, f), MANY);
	fclose(f);
	return text;
}

/* What glibc calls there, with 64 bits for the time, in functions of ours. */
START_TEST(words_of_32_bits_have_calls_of_their_own)
{
	static const struct {
		enum proc_role role;
		const char    *names[16];
	} rows[] = {
		{ PROC_ENGINE, { "futex_time64", "clock_gettime64",
		    "clock_nanosleep_time64", "ppoll_time64", "recvmmsg_time64",
		    "timerfd_settime64", "mmap2", "fcntl64", "statx", "_llseek",
		    "accept4", "send", "recv", "sigreturn" } },
		{ PROC_KEEPER, { "futex_time64", "fstat64", "fstatat64",
		    "geteuid32", "getegid32", "mmap2", "renameat2" } },
		{ PROC_RESOLVER, { "ppoll_time64", "pselect6_time64", "mmap2",
		    "stat64", "getuid32", "fcntl64", "pread64", "socket" } },
	};
	static const uint32_t archs[] = { SCMP_ARCH_X86, SCMP_ARCH_ARM };

	for (size_t i = 0; i < nitems(rows) * nitems(archs); i++) {
		const char *const *name = rows[i / nitems(archs)].names;
		char *text = describe(rows[i / nitems(archs)].role,
		    archs[i % nitems(archs)]);

		for (; *name != NULL; name++) {
			char quoted[64];

			snprintf(quoted, sizeof(quoted), "\"%s\"", *name);
			ck_assert_msg(strstr(text, quoted) != NULL,
			    "role %d: %s", rows[i / nitems(archs)].role, *name);
		}
		free(text);
	}
}
END_TEST

/* Landlock does not keep it from asking what is there. */
START_TEST(engine_names_no_file)
{
	static const char *const names[] = { "statx", "stat", "lstat",
		"newfstatat", "fstatat64", "open", "openat", "openat2", "access",
		"faccessat", "faccessat2", "readlink", "readlinkat", "statfs",
		"execve", "unlink", "unlinkat", "rename", "renameat" };
	static const uint32_t archs[] = { SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64 };

	for (size_t i = 0; i < nitems(archs); i++) {
		char *text = describe(PROC_ENGINE, archs[i]);

		ck_assert_ptr_nonnull(strstr(text, "\"fstat\""));
		for (size_t j = 0; j < nitems(names); j++) {
			char quoted[64];

			snprintf(quoted, sizeof(quoted), "\"%s\"", names[j]);
			ck_assert_msg(strstr(text, quoted) == NULL, "%s",
			    names[j]);
		}
		free(text);
	}
}
END_TEST

#else

START_TEST(words_of_32_bits_have_calls_of_their_own)
{
}
END_TEST

START_TEST(engine_names_no_file)
{
}
END_TEST

#endif

int
main(void)
{
	const TTest *const tests[] = {
		hub_grows_to_as_many_sites_as_there_may_be,
		switch_learns_as_many_addresses_as_it_may,
		messages_are_long,
		handshakes_with_large_keys,
		list_of_revoked_certificates_is_long,
		library_is_used_on_every_thread,
		ciphers_are_used_on_every_thread,
		failed_assertion_is_told,
		violation_names_its_caller,
		words_of_32_bits_have_calls_of_their_own,
		engine_names_no_file,
	};

	if (ca_make_key(&ca_key) < 0 ||
	    ca_make(&ca_key, "a", ca_now(), &ca_cert) < 0)
		return EXIT_FAILURE;
	return unit_run("confined", tests, nitems(tests));
}
