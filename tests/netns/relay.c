/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay: a bad line between a client and a server, for tests.
 *
 *	relay LISTEN PORT SERVER PORT [WORD=VALUE...]
 *
 * Stands where the client thinks the server is.  TCP passes untouched; UDP is
 * lost, doubled, held back and damaged by chance, each way alike:
 *
 *	loss=P dup=P reorder=P corrupt=P	probabilities, 0 to 1
 *	udp=0|1					0: no datagram passes at all
 *	tcp=0|1					0: connections are cut, none made
 *	seed=N					the same seed, the same chances
 *
 * More such words may come on standard input, a line at a time, at any time;
 * the line "stats" (and SIGUSR1) prints the counters.  End of file ends it.
 *
 * Every client address and port has an upstream socket of its own, so that the
 * server sees as many ports as the client has.  As a NAT does, it forgets the
 * one that was silent for longest when there are too many.
 */
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_CLIENTS 4096
#define MAX_HELD    4096
#define MAX_DGRAM   65536
#define HOLD_MIN_US 2000  /* a datagram held back waits this long at least, */
#define HOLD_VAR_US 18000 /* and less than this much longer */

enum kind { KIND_UDP, KIND_LANE, KIND_TCP, KIND_PIPE, KIND_STDIN, KIND_SIGNAL };

/* What epoll's data points to; the first member of everything below. */
struct source {
	enum kind kind;
	int	  fd;
};

/* One client address and port, and its socket to the server. */
struct lane {
	struct source		source;
	struct sockaddr_storage client;
	socklen_t		client_len;
	uint64_t		used; /* r->got, at its last datagram */
};

/* One direction of a TCP connection; both ends share a `struct tcp`. */
struct pipe_end {
	struct source source;
	struct tcp   *tcp;
	char	      data[65536]; /* read from here, to go to the other */
	size_t	      len;
	bool	      eof, eof_sent, connecting;
};

struct tcp {
	struct pipe_end end[2];
	struct tcp     *next, *prev;
	bool		dead;
};

/* A datagram on its way: to the client of `lane`, or to the server. */
struct held {
	int64_t	     due_us;
	struct lane *lane;
	bool	     to_server;
	size_t	     len;
	char	    *data;
};

struct relay {
	int		 epoll;
	struct source	 udp, tcp, in, sig;
	struct addrinfo *server_udp, *server_tcp;
	struct lane	*lanes[MAX_CLIENTS];
	size_t		 nlanes;
	struct tcp	*conns;
	struct held	 held[MAX_HELD];
	size_t		 nheld;
	double		 loss, dup, reorder, corrupt;
	bool		 udp_on, tcp_on;
	uint64_t	 random;
	uint64_t	 got, sent, lost, doubled, delayed, damaged, overflow;
	char		 line[256];
	size_t		 line_len;
};

static int64_t now_us(void);
static bool	chance(struct relay *r, double p);
static struct addrinfo *resolve(const char *host, const char *port, int type);
static void	watch(struct relay *r, struct source *s, uint32_t events);
static void	set_words(struct relay *r, char *line);
static void	on_stdin(struct relay *r);
static void	print_stats(const struct relay *r);
static void	on_udp(struct relay *r);
static void	on_lane(struct relay *r, struct lane *lane);
static struct lane *new_lane(struct relay *r);
static struct lane *lane_of(struct relay *r, const struct sockaddr_storage *ss,
		    socklen_t len);
static void	pass(struct relay *r, struct lane *lane, bool to_server,
		    char *data, size_t len);
static void	emit(struct relay *r, const struct lane *lane, bool to_server,
		    const char *data, size_t len);
static void	hold(struct relay *r, struct lane *lane, bool to_server,
		    const char *data, size_t len);
static int	release(struct relay *r);
static void	on_accept(struct relay *r);
static void	on_pipe(struct relay *r, struct pipe_end *end, uint32_t events);
static void	pump(struct relay *r, struct tcp *tcp);
static void	cut(struct relay *r, struct tcp *tcp);
static void	bury(struct relay *r);

int
main(int argc, char **argv)
{
	static struct relay relay;
	struct relay *r = &relay;
	struct addrinfo *ai;
	sigset_t set;
	int one = 1, size = 8 << 20;

	if (argc < 5)
		errx(2, "usage: relay LISTEN PORT SERVER PORT [WORD=VALUE...]");
	r->udp_on = r->tcp_on = true;
	r->random = 1;
	for (int i = 5; i < argc; i++)
		set_words(r, argv[i]);

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if ((r->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1)
		err(1, "epoll");
	r->server_udp = resolve(argv[3], argv[4], SOCK_DGRAM);
	r->server_tcp = resolve(argv[3], argv[4], SOCK_STREAM);

	ai = resolve(argv[1], argv[2], SOCK_DGRAM);
	r->udp = (struct source) { KIND_UDP,
		socket(ai->ai_family, SOCK_DGRAM | SOCK_NONBLOCK, 0) };
	setsockopt(r->udp.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(r->udp.fd, ai->ai_addr, ai->ai_addrlen) == -1)
		err(1, "bind udp");
	freeaddrinfo(ai);

	ai = resolve(argv[1], argv[2], SOCK_STREAM);
	r->tcp = (struct source) { KIND_TCP,
		socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	setsockopt(r->tcp.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(r->tcp.fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(r->tcp.fd, 64) == -1)
		err(1, "bind tcp");
	freeaddrinfo(ai);

	r->in = (struct source) { KIND_STDIN, STDIN_FILENO };
	r->sig = (struct source) { KIND_SIGNAL,
		signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) };
	watch(r, &r->udp, EPOLLIN);
	watch(r, &r->tcp, EPOLLIN);
	watch(r, &r->in, EPOLLIN);
	watch(r, &r->sig, EPOLLIN);
	printf("ready\n");
	fflush(stdout);

	for (;;) {
		struct epoll_event ev[64];
		struct signalfd_siginfo info;
		int n = epoll_wait(r->epoll, ev, 64, release(r));

		for (int i = 0; i < n; i++) {
			struct source *s = ev[i].data.ptr;

			switch (s->kind) {
			case KIND_UDP:
				on_udp(r);
				break;
			case KIND_LANE:
				on_lane(r, (struct lane *)s);
				break;
			case KIND_TCP:
				on_accept(r);
				break;
			case KIND_PIPE:
				on_pipe(r, (struct pipe_end *)s, ev[i].events);
				break;
			case KIND_STDIN:
				on_stdin(r);
				break;
			case KIND_SIGNAL:
				while (read(s->fd, &info, sizeof(info)) > 0)
					print_stats(r);
				break;
			}
		}
		bury(r);
	}
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* xorshift64*: good enough for dice, and the same on every host. */
static uint64_t
roll(struct relay *r)
{
	r->random ^= r->random >> 12;
	r->random ^= r->random << 25;
	r->random ^= r->random >> 27;
	return r->random * UINT64_C(2685821657736338717);
}

static bool
chance(struct relay *r, double p)
{
	return (double)(roll(r) >> 11) / (double)(UINT64_C(1) << 53) < p;
}

static struct addrinfo *
resolve(const char *host, const char *port, int type)
{
	struct addrinfo hints = { .ai_socktype = type,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	int e = getaddrinfo(host, port, &hints, &ai);

	if (e != 0)
		errx(2, "%s: %s", host, gai_strerror(e));
	return ai;
}

static void
watch(struct relay *r, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(r->epoll, EPOLL_CTL_MOD, s->fd, &ev) == 0)
		return;
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, s->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

/* ------------------------------------------------------------ the commands */

static void
set_words(struct relay *r, char *line)
{
	char *word, *save = NULL;

	for (word = strtok_r(line, " \t\n", &save); word != NULL;
	     word = strtok_r(NULL, " \t\n", &save)) {
		char *value = strchr(word, '=');

		if (strcmp(word, "stats") == 0) {
			print_stats(r);
			continue;
		}
		if (value == NULL)
			errx(2, "%s: no such word", word);
		*value++ = '\0';
		if (strcmp(word, "loss") == 0)
			r->loss = atof(value);
		else if (strcmp(word, "dup") == 0)
			r->dup = atof(value);
		else if (strcmp(word, "reorder") == 0)
			r->reorder = atof(value);
		else if (strcmp(word, "corrupt") == 0)
			r->corrupt = atof(value);
		else if (strcmp(word, "seed") == 0)
			r->random = strtoull(value, NULL, 10) * 2 + 1;
		else if (strcmp(word, "udp") == 0)
			r->udp_on = atoi(value) != 0;
		else if (strcmp(word, "tcp") == 0)
			r->tcp_on = atoi(value) != 0;
		else
			errx(2, "%s: no such word", word);
	}
	if (r->tcp_on)
		return;
	for (struct tcp *t = r->conns; t != NULL; t = t->next)
		t->dead = true;
}

static void
on_stdin(struct relay *r)
{
	ssize_t n = read(STDIN_FILENO, r->line + r->line_len,
	    sizeof(r->line) - 1 - r->line_len);
	char *nl;

	if (n <= 0)
		exit(0);
	r->line_len += (size_t)n;
	r->line[r->line_len] = '\0';
	while ((nl = strchr(r->line, '\n')) != NULL) {
		*nl++ = '\0';
		set_words(r, r->line);
		r->line_len -= (size_t)(nl - r->line);
		memmove(r->line, nl, r->line_len + 1);
		printf("ok\n");
		fflush(stdout);
	}
	if (r->line_len == sizeof(r->line) - 1)
		errx(2, "line too long");
}

static void
print_stats(const struct relay *r)
{
	printf("got=%ju sent=%ju lost=%ju doubled=%ju delayed=%ju damaged=%ju "
	    "overflow=%ju clients=%zu\n",
	    (uintmax_t)r->got, (uintmax_t)r->sent, (uintmax_t)r->lost,
	    (uintmax_t)r->doubled, (uintmax_t)r->delayed,
	    (uintmax_t)r->damaged, (uintmax_t)r->overflow, r->nlanes);
	fflush(stdout);
}

/* --------------------------------------------------------------------- UDP */

static void
on_udp(struct relay *r)
{
	static char data[MAX_DGRAM];

	for (int i = 0; i < 64; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct lane *lane;
		ssize_t n = recvfrom(r->udp.fd, data, sizeof(data), 0,
		    (struct sockaddr *)&ss, &len);

		if (n < 0)
			return;
		lane = lane_of(r, &ss, len);
		pass(r, lane, true, data, (size_t)n);
	}
}

static void
on_lane(struct relay *r, struct lane *lane)
{
	static char data[MAX_DGRAM];

	for (int i = 0; i < 64; i++) {
		ssize_t n = recv(lane->source.fd, data, sizeof(data), 0);

		if (n < 0)
			return; /* ECONNREFUSED too: the hub is away */
		pass(r, lane, false, data, (size_t)n);
	}
}

static struct lane *
lane_of(struct relay *r, const struct sockaddr_storage *ss, socklen_t len)
{
	struct lane *lane;
	int size = 8 << 20;

	for (size_t i = 0; i < r->nlanes; i++) {
		if (r->lanes[i]->client_len == len &&
		    memcmp(&r->lanes[i]->client, ss, len) == 0)
			return r->lanes[i];
	}
	lane = new_lane(r);
	memcpy(&lane->client, ss, len);
	lane->client_len = len;
	lane->source = (struct source) { KIND_LANE,
		socket(r->server_udp->ai_family, SOCK_DGRAM | SOCK_NONBLOCK, 0) };
	setsockopt(lane->source.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size));
	if (connect(lane->source.fd, r->server_udp->ai_addr,
	    r->server_udp->ai_addrlen) == -1)
		err(1, "connect udp");
	watch(r, &lane->source, EPOLLIN);
	return lane;
}

/* Never freed: an event of this round may still point to it. */
static struct lane *
new_lane(struct relay *r)
{
	struct lane *lane = r->lanes[0];

	if (r->nlanes < MAX_CLIENTS) {
		if ((lane = calloc(1, sizeof(*lane))) == NULL)
			err(1, "calloc");
		r->lanes[r->nlanes++] = lane;
		return lane;
	}
	for (size_t i = 1; i < r->nlanes; i++) {
		if (r->lanes[i]->used < lane->used)
			lane = r->lanes[i];
	}
	for (size_t i = 0; i < r->nheld;) {
		if (r->held[i].lane == lane) {
			free(r->held[i].data);
			r->held[i] = r->held[--r->nheld];
			r->lost++;
		} else {
			i++;
		}
	}
	close(lane->source.fd);
	return lane;
}

/* The dice, in the order in which a bad line would throw them. */
static void
pass(struct relay *r, struct lane *lane, bool to_server, char *data, size_t len)
{
	lane->used = ++r->got;
	if (!r->udp_on || chance(r, r->loss)) {
		r->lost++;
		return;
	}
	if (chance(r, r->dup)) {
		r->doubled++;
		hold(r, lane, to_server, data, len);
	}
	if (len > 0 && chance(r, r->corrupt)) {
		r->damaged++;
		data[roll(r) % len] ^= (char)(1 << roll(r) % 8);
	}
	if (chance(r, r->reorder)) {
		r->delayed++;
		hold(r, lane, to_server, data, len);
		return;
	}
	emit(r, lane, to_server, data, len);
}

static void
emit(struct relay *r, const struct lane *lane, bool to_server,
    const char *data, size_t len)
{
	r->sent++;
	if (to_server)
		send(lane->source.fd, data, len, 0);
	else
		sendto(r->udp.fd, data, len, 0,
		    (const struct sockaddr *)&lane->client, lane->client_len);
}

static void
hold(struct relay *r, struct lane *lane, bool to_server, const char *data,
    size_t len)
{
	struct held *h;

	if (r->nheld == MAX_HELD) {
		r->overflow++;
		return;
	}
	h = &r->held[r->nheld++];
	*h = (struct held) { now_us() + HOLD_MIN_US +
		(int64_t)(roll(r) % HOLD_VAR_US), lane, to_server, len, NULL };
	if ((h->data = malloc(len + 1)) == NULL)
		err(1, "malloc");
	memcpy(h->data, data, len);
}

/* Sends what is due; returns the milliseconds until the next, or -1. */
static int
release(struct relay *r)
{
	int64_t now = now_us(), next = INT64_MAX;

	for (size_t i = 0; i < r->nheld;) {
		struct held *h = &r->held[i];

		if (h->due_us > now) {
			next = h->due_us < next ? h->due_us : next;
			i++;
			continue;
		}
		emit(r, h->lane, h->to_server, h->data, h->len);
		free(h->data);
		*h = r->held[--r->nheld];
	}
	return next == INT64_MAX ? -1 : (int)((next - now) / 1000) + 1;
}

/* --------------------------------------------------------------------- TCP */

static void
on_accept(struct relay *r)
{
	struct tcp *t;
	int fd = accept4(r->tcp.fd, NULL, NULL, SOCK_NONBLOCK), up;

	if (fd == -1)
		return;
	if (!r->tcp_on) {
		close(fd);
		return;
	}
	up = socket(r->server_tcp->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(up, r->server_tcp->ai_addr, r->server_tcp->ai_addrlen) ==
	    -1 && errno != EINPROGRESS) {
		close(up);
		close(fd);
		return;
	}
	if ((t = calloc(1, sizeof(*t))) == NULL)
		err(1, "calloc");
	t->end[0].source = (struct source) { KIND_PIPE, fd };
	t->end[1].source = (struct source) { KIND_PIPE, up };
	t->end[0].tcp = t->end[1].tcp = t;
	t->end[1].connecting = true;
	t->next = r->conns;
	if (t->next != NULL)
		t->next->prev = t;
	r->conns = t;
	watch(r, &t->end[0].source, EPOLLIN);
	watch(r, &t->end[1].source, EPOLLOUT);
}

static void
on_pipe(struct relay *r, struct pipe_end *end, uint32_t events)
{
	struct tcp *t = end->tcp;

	if (t->dead)
		return;
	if (end->connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
		int error = 0;
		socklen_t len = sizeof(error);

		getsockopt(end->source.fd, SOL_SOCKET, SO_ERROR, &error, &len);
		end->connecting = false;
		if (error != 0) {
			t->dead = true;
			return;
		}
	}
	pump(r, t);
}

/* Moves what can be moved, both ways, and says what to wait for. */
static void
pump(struct relay *r, struct tcp *t)
{
	uint32_t want[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		struct pipe_end *from = &t->end[i], *to = &t->end[1 - i];
		ssize_t n;

		if (from->len == 0 && !from->eof && !from->connecting) {
			n = read(from->source.fd, from->data,
			    sizeof(from->data));
			if (n == 0)
				from->eof = true;
			else if (n > 0)
				from->len = (size_t)n;
			else if (errno != EAGAIN)
				t->dead = true;
		}
		if (from->len > 0 && !to->connecting) {
			n = write(to->source.fd, from->data, from->len);
			if (n > 0) {
				from->len -= (size_t)n;
				memmove(from->data, from->data + n, from->len);
			} else if (n == -1 && errno != EAGAIN)
				t->dead = true;
		}
		if (from->eof && from->len == 0 && !from->eof_sent &&
		    !to->connecting) {
			shutdown(to->source.fd, SHUT_WR);
			from->eof_sent = true;
		}
		if (from->len == 0 && !from->eof && !from->connecting)
			want[i] |= EPOLLIN;
		if (from->len > 0 || to->connecting)
			want[1 - i] |= EPOLLOUT;
	}
	if (t->end[0].eof_sent && t->end[1].eof_sent)
		t->dead = true;
	if (t->dead)
		return;
	watch(r, &t->end[0].source, want[0]);
	watch(r, &t->end[1].source, want[1]);
}

static void
cut(struct relay *r, struct tcp *t)
{
	if (t->next != NULL)
		t->next->prev = t->prev;
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		r->conns = t->next;
	close(t->end[0].source.fd);
	close(t->end[1].source.fd);
	free(t);
}

/* Only between rounds of events: until then epoll may still point to them. */
static void
bury(struct relay *r)
{
	struct tcp *next;

	for (struct tcp *t = r->conns; t != NULL; t = next) {
		next = t->next;
		if (t->dead)
			cut(r, t);
	}
}
