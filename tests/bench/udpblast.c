/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udpblast: sends small UDP packets at a rate, and counts what arrives.
 *
 *   udpblast send IP PORT SIZE PPS SECONDS   PPS 0 = as fast as possible
 *   udpblast recv PORT                       ends 250 ms after the last packet
 *                                            (or after 4 s with none)
 *
 * The sender uses sendmmsg so that one core is not eaten by the generator
 * alone; when paced it sends a small burst every 100 us.
 * Output: "sent N secs S" / "recv N secs S".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int
do_send(char **a)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	static char buf[BATCH][2048];
	static struct iovec iov[BATCH];
	static struct mmsghdr mm[BATCH];
	int size = atoi(a[2]), fd, big = 4 << 20;
	double pps = atof(a[3]), secs = atof(a[4]), t0, t;
	unsigned long long sent = 0;

	sa.sin_port = htons(atoi(a[1]));
	if (inet_pton(AF_INET, a[0], &sa.sin_addr) != 1 || size < 8 ||
	    size > 2000)
		return 2;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
	if (connect(fd, (void *)&sa, sizeof sa)) {
		perror("connect");
		return 1;
	}
	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = buf[i];
		iov[i].iov_len = size;
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	prctl(PR_SET_TIMERSLACK, 1000UL);
	t0 = now();
	while ((t = now() - t0) < secs) {
		long want = BATCH;
		if (pps > 0) {
			want = (long)(t * pps) - (long)sent;
			if (want <= 0) {
				struct timespec ts = {0, 100000};
				nanosleep(&ts, NULL);
				continue;
			}
			if (want > BATCH)
				want = BATCH;
		}
		int n = sendmmsg(fd, mm, want, 0);
		if (n < 0) {
			if (errno == ECONNREFUSED || errno == ENOBUFS ||
			    errno == EINTR)
				continue;
			perror("sendmmsg");
			return 1;
		}
		sent += n;
	}
	printf("sent %llu secs %.6f\n", sent, now() - t0);
	return 0;
}

static int
do_recv(char **a)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	static char buf[BATCH][2048];
	static struct iovec iov[BATCH];
	static struct mmsghdr mm[BATCH];
	int fd = socket(AF_INET, SOCK_DGRAM, 0), big = 8 << 20;
	unsigned long long got = 0;
	double first = 0, last = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	sa.sin_port = htons(atoi(a[0]));
	if (bind(fd, (void *)&sa, sizeof sa)) {
		perror("bind");
		return 1;
	}
	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = buf[i];
		iov[i].iov_len = sizeof buf[i];
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = recvmmsg(fd, mm, BATCH, MSG_DONTWAIT, NULL);
		if (n > 0) {
			last = now();
			if (!got)
				first = last;
			got += n;
			continue;
		}
		if (poll(&p, 1, got ? 250 : 4000) == 0)
			break;
	}
	printf("recv %llu secs %.6f\n", got, last - first);
	return 0;
}

int
main(int c, char **v)
{
	if (c == 7 && !strcmp(v[1], "send"))
		return do_send(v + 2);
	if (c == 3 && !strcmp(v[1], "recv"))
		return do_recv(v + 2);
	fprintf(
	    stderr, "usage: udpblast send IP PORT SIZE PPS SECS | recv PORT\n");
	return 2;
}
