/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/filter.h>

#include <bsd/string.h>

#include "base/nitems.h"

/* A burst of 20 ms at 1.6 Gbit/s; the kernel counts its overhead in. */
#define UDP_BUFFER (4 * 1024 * 1024)
#define LANE_MASK  0x3f /* of a datagram's first byte */

static int listen_at(const struct addr *listen, uint16_t port, int *fds,
    unsigned n);
static int listen_tcp(const struct addr *listen, sa_family_t family,
    uint16_t port);
static int listen_udp(const struct addr *listen, sa_family_t family,
    uint16_t port, int *fds, unsigned n);
static int  make(int family, int type, uint32_t mark);
static int  make_udp(const struct addr *listen, sa_family_t family,
     uint16_t port, uint32_t mark, bool group);
static int  fd_if(int fd, int r);
static int  bind_to(int fd, const struct addr *listen, sa_family_t family,
     uint16_t port);
static int  shape_udp(int fd, int family);
static void grow(int fd, int option, int forced);
static int  steer_by_lane(int fd, unsigned n);
static int  bound_port(int fd);
static int  set_int(int fd, int level, int option, int value);
static int  close_all(int *fds, unsigned n, int r);
static int  is_alive(const char *path);
static int  bind_beside(int dir, const char *name, gid_t group);

/* ------------------------------------------------------------ listening */

int
sockets_listen_tcp(const struct addr *listen, uint16_t port)
{
	return listen_at(listen, port, NULL, 0);
}

int
sockets_listen_udp(const struct addr *listen, uint16_t port, int *fds,
    unsigned n)
{
	return n > 0 ? listen_at(listen, port, fds, n) : -EINVAL;
}

/*
 * UDP, or TCP without `fds`.  Tries dual-stack first, and IPv4 alone if this
 * host has no IPv6 (ipv6.disable=1, or a sandbox without it).
 */
static int
listen_at(const struct addr *listen, uint16_t port, int *fds, unsigned n)
{
	sa_family_t family = listen->family != 0 ? listen->family : AF_INET6;
	int	    r;

	for (;;) {
		r = fds != NULL ? listen_udp(listen, family, port, fds, n) :
				  listen_tcp(listen, family, port);
		if (listen->family != 0 || family == AF_INET ||
		    (r != -EAFNOSUPPORT && r != -EADDRNOTAVAIL))
			return r;
		family = AF_INET;
	}
}

static int
listen_tcp(const struct addr *addr, sa_family_t family, uint16_t port)
{
	int r, fd = make(family, SOCK_STREAM, 0);

	if (fd < 0)
		return fd;
	r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* Accepted connections inherit it: control messages are small. */
	if (r == 0)
		r = set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (r == 0)
		r = bind_to(fd, addr, family, port);
	if (r == 0 && listen(fd, SOMAXCONN) == -1)
		r = -errno;
	return fd_if(fd, r);
}

static int
listen_udp(const struct addr *addr, sa_family_t family, uint16_t port, int *fds,
    unsigned n)
{
	/*
	 * A group accepts every socket of the same user, so a second daemon
	 * would get a part of the datagrams of the first.  So try alone, once.
	 */
	int r = make_udp(addr, family, port, 0, false);

	if (r < 0)
		return r;
	close(r);
	for (unsigned i = 0; i < n; i++) {
		fds[i] = make_udp(addr, family, port, 0, true);
		if (fds[i] < 0)
			return close_all(fds, i, fds[i]);
		r = port == 0 ? bound_port(fds[i]) : port;
		if (r < 0)
			return close_all(fds, i + 1, r);
		port = (uint16_t)r;
	}
	r = steer_by_lane(fds[0], n);
	return r == 0 ? (int)n : close_all(fds, n, r);
}

/* -------------------------------------------------------------- calling */

int
sockets_lanes(const struct endpoint *server, uint32_t mark, int *fds,
    unsigned n)
{
	static const struct addr any = { 0 };

	for (unsigned i = 0; i < n; i++) {
		fds[i] = make_udp(&any, server->sa.sa_family, 0, mark, false);
		if (fds[i] < 0)
			return close_all(fds, i, fds[i]);
	}
	return (int)n;
}

void
sockets_merge(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		(void)set_int(fds[i], SOL_UDP, UDP_GRO, 1);
}

const char *
sockets_explain(int error)
{
	return error == -EADDRINUSE ?
	    "Address already in use: stop the program that has it (ss -lntup), "
	    "or set another port" : strerror(-error);
}

int
sockets_connect(const struct endpoint *server, uint32_t mark)
{
	int r, fd = make(server->sa.sa_family, SOCK_STREAM, mark);

	if (fd < 0)
		return fd;
	r = set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (r == 0 && connect(fd, &server->sa, server->len) == -1 &&
	    errno != EINPROGRESS)
		r = -errno;
	return fd_if(fd, r);
}

/* --------------------------------------------------------- what they share */

/* Who may not mark may not have made rules that look at it either. */
static int
make(int family, int type, uint32_t mark)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd == -1)
		return -errno;
	if (mark != 0)
		r = set_int(fd, SOL_SOCKET, SO_MARK, (int)mark);
	return fd_if(fd, r == -EPERM ? 0 : r);
}

/* Bound; `group`: others may be bound to the same port. */
static int
make_udp(const struct addr *listen, sa_family_t family, uint16_t port,
    uint32_t mark, bool group)
{
	int r, fd = make(family, SOCK_DGRAM, mark);

	if (fd < 0)
		return fd;
	r = shape_udp(fd, family);
	if (r == 0 && group)
		r = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0)
		r = bind_to(fd, listen, family, port);
	return fd_if(fd, r);
}

/* `fd` if `r` is 0, else `r`, and it is closed. */
static int
fd_if(int fd, int r)
{
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* Family 0: every address of `family`; of AF_INET6, IPv4 with it. */
static int
bind_to(int fd, const struct addr *listen, sa_family_t family, uint16_t port)
{
	struct addr	any = { .family = family };
	struct endpoint ep = endpoint_make(
	    listen->family != 0 ? listen : &any, port);
	int r = 0;

	if (family == AF_INET6)
		r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, listen->family != 0);
	if (r == 0 && bind(fd, &ep.sa, ep.len) == 0)
		return 0;
	r = r < 0 ? r : -errno;
	if (r != -EADDRNOTAVAIL || listen->family == 0)
		return r;
	/* It may come: at boot, by DHCP, with a virtual router's role. */
	r = family == AF_INET6 ? set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) :
				 set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (r == 0 && bind(fd, &ep.sa, ep.len) == -1)
		r = -errno;
	return r;
}

bool
sockets_has_address(const struct addr *addr)
{
	struct endpoint ep = endpoint_make(addr, 0);
	int  fd = make(addr->family, SOCK_DGRAM, 0);
	bool has = fd >= 0 &&
	    (bind(fd, &ep.sa, ep.len) == 0 || errno != EADDRNOTAVAIL);

	if (fd >= 0)
		close(fd);
	return has;
}

/*
 * A dual-stack socket needs IPv4's option beside its own; IPV6_RECVPKTINFO
 * alone reports both.
 */
static int
shape_udp(int fd, int family)
{
	int r = set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);

	if (family == AF_INET6) {
		if (r == 0)
			r = set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			    IPV6_PMTUDISC_PROBE);
		if (r == 0)
			r = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	} else if (r == 0) {
		r = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
	grow(fd, SO_RCVBUF, SO_RCVBUFFORCE);
	grow(fd, SO_SNDBUF, SO_SNDBUFFORCE);
	return r;
}

/* Above the host's limit if permitted, otherwise up to it. */
static void
grow(int fd, int option, int forced)
{
	if (set_int(fd, SOL_SOCKET, forced, UDP_BUFFER) < 0)
		(void)set_int(fd, SOL_SOCKET, option, UDP_BUFFER);
}

/* The socket's place in the group is its place in `fds`: they bind in order. */
static int
steer_by_lane(int fd, unsigned n)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, LANE_MASK),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = { nitems(code), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		sizeof(program)) == -1)
		return -errno;
	return 0;
}

static int
bound_port(int fd)
{
	struct endpoint ep = { .len = sizeof(ep.in6) };

	if (getsockname(fd, &ep.sa, &ep.len) == -1)
		return -errno;
	return endpoint_port(&ep);
}

static int
set_int(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) == -1)
		return -errno;
	return 0;
}

/* Returns `r`. */
static int
close_all(int *fds, unsigned n, int r)
{
	while (n-- > 0) {
		close(fds[n]);
		fds[n] = -1;
	}
	return r;
}

/* ------------------------------------------------------ the local socket */

int
sockets_listen_unix(const char *path, gid_t group)
{
	char  temp[32];
	char *for_dir = strdup(path), *for_base = strdup(path);
	int   r = for_dir == NULL || for_base == NULL ? -ENOMEM : is_alive(path);
	int   dir = -1;

	if (r == 0) {
		dir = open(dirname(for_dir),
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = dir == -1 ? -errno : 0;
	}
	if (r == 0) {
		snprintf(temp, sizeof(temp), ".%ld.sock", (long)getpid());
		r = bind_beside(dir, temp, group);
	}
	if (r >= 0 && (listen(r, 16) == -1 ||
			  renameat(dir, temp, dir, basename(for_base)) == -1)) {
		int error = -errno;

		unlinkat(dir, temp, 0);
		r = fd_if(r, error);
	}
	if (dir != -1)
		close(dir);
	free(for_dir);
	free(for_base);
	return r;
}

/* 0 if nothing is there, or a socket that nobody listens on. */
static int
is_alive(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat	   st;
	int		   fd, r;

	if (strlcpy(un.sun_path, path, sizeof(un.sun_path)) >=
	    sizeof(un.sun_path))
		return -ENAMETOOLONG;
	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = make(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return fd;
	/* EAGAIN: somebody is there, and busy. */
	r = connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1 &&
		errno == ECONNREFUSED ?
	    0 :
	    -EADDRINUSE;
	close(fd);
	return r;
}

/*
 * By the directory's descriptor: if the path has the maximum length, there is
 * no room for a temporary name.
 */
static int
bind_beside(int dir, const char *name, gid_t group)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int		   r = 0, fd = make(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return fd;
	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/%s", dir,
	    name);
	unlinkat(dir, name, 0);
	/* The file is made with the socket's mode: nobody else's, at first. */
	if (fchmod(fd, 0600) == -1 ||
	    bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		return fd_if(fd, -errno);
	if ((group != (gid_t)-1 &&
		fchownat(dir, name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) ==
		    -1) ||
	    fchmodat(dir, name, 0660, 0) == -1) {
		r = -errno;
		unlinkat(dir, name, 0);
	}
	return fd_if(fd, r);
}
