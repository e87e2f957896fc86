/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adversary: an attacker on the wire.
 *
 *   adversary wire FROM TO SECONDS RATE    hears the lanes' datagrams that come
 *                                          in by FROM, and sends them out by TO
 *                                          again: altered, or once more
 *   adversary junk ADDRESS PORT SECONDS RATE   datagrams of an unknown host
 *   adversary syn ADDRESS PORT SECONDS RATE    SYNs from made-up addresses
 *
 * RATE is in packets a second; at the end a line "sent=N seconds=S" and, of the
 * wire, how many of each kind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT  55555
#define RING  4096
#define MAX   2048
#define BURST 64

struct heard {
	size_t	len;
	uint8_t data[MAX];
};

enum kind { AGAIN, OLD, CUT, FLIPPED, MOVED, LONGER, HANDSHAKE, SESSION, EPOCH,
	PHASE, LANE, TWO, ALERT, NOISE, KINDS };

static const char *const kinds[] = { "again", "old", "cut", "flipped", "moved",
	"longer", "handshake", "session", "epoch", "phase", "lane", "two",
	"alert", "noise" };

static struct heard ring[RING];
static unsigned long nheard;
static uint64_t seed = 88172645463325252u;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
packet_socket(const char *name, int protocol)
{
	int		   fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex(name) };

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1)
		die(name);
	return fd;
}

/* Whatever came in since: what others sent, never our own. */
static void
listen_up(int fd)
{
	struct sockaddr_ll from;
	socklen_t	   len = sizeof(from);

	for (;;) {
		struct heard *h = &ring[nheard % RING];
		ssize_t	      n = recvfrom(fd, h->data, MAX, MSG_DONTWAIT,
				(struct sockaddr *)&from, &len);
		const struct iphdr  *ip = (void *)(h->data + 14);
		const struct udphdr *udp = (void *)(h->data + 34);

		if (n == -1)
			return;
		if (from.sll_pkttype == PACKET_OUTGOING || n < 60 ||
		    ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
		    ntohs(*(uint16_t *)(h->data + 12)) != ETH_P_IP ||
		    (ntohs(udp->dest) != PORT && ntohs(udp->source) != PORT))
			continue;
		h->len = (size_t)n;
		nheard++;
	}
}

static void
set_length(uint8_t *frame, size_t *len, size_t payload)
{
	struct iphdr  *ip = (void *)(frame + 14);
	struct udphdr *udp = (void *)(frame + 34);
	uint32_t       sum = 0;

	ip->tot_len = htons((uint16_t)(28 + payload));
	ip->check = 0;
	for (int i = 0; i < 10; i++)
		sum += ((uint16_t *)ip)[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = (uint16_t) ~(sum + (sum >> 16));
	udp->len = htons((uint16_t)(8 + payload));
	udp->check = 0;
	*len = 42 + payload;
}

/* One datagram of this kind from what was heard; its frame's length. */
static size_t
make(uint8_t *frame, enum kind kind)
{
	unsigned long	    back = kind == OLD ? draw() % RING : draw() % 8;
	const struct heard *h = &ring[(nheard - 1 - back % nheard) % RING];
	uint8_t		   *p = frame + 42;
	size_t		    len = h->len, payload;

	memcpy(frame, h->data, len);
	payload = ntohs(((struct udphdr *)(frame + 34))->len) - 8u;
	if (payload > MAX - 42 || payload < 30)
		payload = 30;
	switch (kind) {
	case CUT:
		payload = draw() % payload;
		break;
	case FLIPPED:
		p[17 + draw() % (payload - 17)] ^= (uint8_t)(1 << draw() % 8);
		break;
	case MOVED: /* from elsewhere, and not authentic */
		frame[14 + 15] = (uint8_t)draw();
		frame[34] = (uint8_t)draw();
		p[payload - 1] ^= 1;
		break;
	case LONGER:
		payload = payload + 1 + draw() % 64 < MAX - 42 ?
		    payload + 1 + draw() % 64 : payload;
		break;
	case HANDSHAKE:
		/* With a seal, of the right length and nothing else. */
		p[4] = draw() & 1 ? 22 : 20;
		payload += 16;
		break;
	case ALERT:
		p[4] = 21;
		break;
	case SESSION:
		p[1 + draw() % 3] ^= (uint8_t)(1 + draw() % 255);
		break;
	case EPOCH:
		p[8] = (uint8_t)(2 + draw() % 4);
		break;
	case PHASE:
		p[0] ^= (uint8_t)((1 + draw() % 3) << 6);
		break;
	case LANE:
		p[0] ^= (uint8_t)(1 + draw() % 63);
		break;
	case TWO: /* two records in one datagram */
		if (2 * payload < MAX - 50) {
			memcpy(p + payload, p + 4, payload - 4);
			payload += payload - 4;
		}
		break;
	case NOISE:
		for (size_t i = 0; i < payload; i++)
			p[i] = (uint8_t)draw();
		break;
	default:
		break;
	}
	set_length(frame, &len, payload);
	return len;
}

/* `one` sends one packet; in bursts, as close to `rate` as it goes. */
static unsigned long
keep_up(double seconds, double rate, void (*one)(void *arg), void *arg,
    void (*between)(void *arg))
{
	double	      begin = now(), t;
	unsigned long sent = 0;

	while ((t = now() - begin) < seconds) {
		unsigned long due = (unsigned long)(t * rate);

		if (between != NULL)
			between(arg);
		if (sent >= due) {
			usleep(200);
			continue;
		}
		for (int i = 0; i < BURST && sent < due; i++, sent++)
			one(arg);
	}
	printf("sent=%lu seconds=%.2f\n", sent, now() - begin);
	return sent;
}

struct wire {
	int	      in, out;
	unsigned long of[KINDS];
};

static void
wire_between(void *arg)
{
	listen_up(((struct wire *)arg)->in);
}

static void
wire_one(void *arg)
{
	struct wire *wire = arg;
	uint8_t	     frame[2 * MAX];
	enum kind    kind = draw() % KINDS;

	if (nheard == 0)
		return;
	if (send(wire->out, frame, make(frame, kind), 0) != -1)
		wire->of[kind]++;
}

struct target {
	int		   fd;
	struct sockaddr_in to;
};

static void
junk_one(void *arg)
{
	struct target *target = arg;
	uint8_t	       data[256];
	size_t	       len = 20 + draw() % 200;

	for (size_t i = 0; i < len; i += 8)
		memcpy(data + i, &(uint64_t) { draw() }, 8);
	/* Half of them look like one record of a lane. */
	if (draw() & 1) {
		data[0] &= 0x0f;
		data[4] = draw() & 1 ? 23 : 22;
		data[5] = 0xfe;
		data[6] = 0xfd;
		data[15] = (uint8_t)((len - 17) >> 8);
		data[16] = (uint8_t)(len - 17);
	}
	sendto(target->fd, data, len, 0, (struct sockaddr *)&target->to,
	    sizeof(target->to));
}

static void
syn_one(void *arg)
{
	struct target *target = arg;
	struct {
		struct iphdr  ip;
		struct tcphdr tcp;
	} p = { 0 };
	uint32_t sum = 0;
	struct {
		uint32_t      src, dst;
		uint8_t	      zero, proto;
		uint16_t      len;
		struct tcphdr tcp;
	} pseudo = { 0 };

	p.ip = (struct iphdr) { .version = 4, .ihl = 5, .ttl = 64,
		.protocol = IPPROTO_TCP, .tot_len = htons(sizeof(p)),
		.saddr = htonl(0xc6120000u | (uint32_t)(0x100 +
		    draw() % 0xfe00)),
		.daddr = target->to.sin_addr.s_addr };
	p.tcp = (struct tcphdr) { .source = (uint16_t)draw(),
		.dest = target->to.sin_port, .seq = (uint32_t)draw(),
		.doff = 5, .syn = 1, .window = htons(64240) };
	pseudo.src = p.ip.saddr;
	pseudo.dst = p.ip.daddr;
	pseudo.proto = IPPROTO_TCP;
	pseudo.len = htons(sizeof(p.tcp));
	pseudo.tcp = p.tcp;
	for (size_t i = 0; i < sizeof(pseudo) / 2; i++)
		sum += ((uint16_t *)&pseudo)[i];
	sum = (sum & 0xffff) + (sum >> 16);
	p.tcp.check = (uint16_t) ~(sum + (sum >> 16));
	sendto(target->fd, &p, sizeof(p), 0, (struct sockaddr *)&target->to,
	    sizeof(target->to));
}

int
main(int argc, char **argv)
{
	double seconds, rate;

	if (argc != 6)
		return 2;
	seconds = atof(argv[4]);
	rate = atof(argv[5]);
	if (strcmp(argv[1], "wire") == 0) {
		struct wire wire = { .in = packet_socket(argv[2], ETH_P_ALL),
			.out = packet_socket(argv[3], ETH_P_IP) };

		printf("ready\n");
		fflush(stdout);
		keep_up(seconds, rate, wire_one, &wire, wire_between);
		for (int i = 0; i < KINDS; i++)
			printf("%s=%lu\n", kinds[i], wire.of[i]);
		printf("heard=%lu\n", nheard);
		return 0;
	}
	struct target target = { .to = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(argv[3])),
	    .sin_addr.s_addr = inet_addr(argv[2]) } };
	int raw = strcmp(argv[1], "syn") == 0;

	target.fd = raw ? socket(AF_INET, SOCK_RAW, IPPROTO_RAW) :
			  socket(AF_INET, SOCK_DGRAM, 0);
	if (target.fd == -1)
		die("socket");
	printf("ready\n");
	fflush(stdout);
	keep_up(seconds, rate, raw ? syn_one : junk_one, &target, NULL);
	return 0;
}
