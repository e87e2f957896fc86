/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets, over loopback: each datagram at the socket of its lane, with
 * the address it came to, on hosts with IPv6 and without.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <bsd/string.h>

#include "io/udp.h"
#include "monitor/host/sockets.h"

#define NFDS 5

static const struct addr any = { 0 };
static const struct mono start = { 0 };

/* ------------------------------------------------------------- helpers */

static struct addr
A(const char *text)
{
	struct addr addr;

	ck_assert_msg(addr_parse(&addr, text), "%s", text);
	return addr;
}

static uint16_t
port_of(int fd)
{
	struct endpoint ep = { .len = sizeof(ep.in6) };

	ck_assert_int_eq(getsockname(fd, &ep.sa, &ep.len), 0);
	return endpoint_port(&ep);
}

static int
get_int(int fd, int level, int option)
{
	int	  value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

static int
domain_of(int fd)
{
	return get_int(fd, SOL_SOCKET, SO_DOMAIN);
}

static bool
host_has_ipv6(void)
{
	struct addr	loopback = A("::1");
	struct endpoint ep = endpoint_make(&loopback, 0);
	int		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool		has = fd != -1 && bind(fd, &ep.sa, ep.len) == 0;

	if (fd != -1)
		close(fd);
	return has;
}

static bool
is_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void
close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static void
assert_shape(int fd)
{
	int family = domain_of(fd);

	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(get_int(fd, IPPROTO_IP, IP_MTU_DISCOVER),
	    IP_PMTUDISC_PROBE);
	ck_assert_int_ge(get_int(fd, SOL_SOCKET, SO_RCVBUF), 128 * 1024);
	if (family == AF_INET6) {
		ck_assert_int_eq(get_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER),
		    IPV6_PMTUDISC_PROBE);
		ck_assert_int_eq(get_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO),
		    1);
	} else {
		ck_assert_int_eq(get_int(fd, IPPROTO_IP, IP_PKTINFO), 1);
	}
}

/* ------------------------------------------------------------ steering */

static const struct {
	const char *what, *listen, *to;
	bool	    ipv6; /* the host needs it */
} groups[] = {
	{ "dual-stack, asked over IPv6", NULL, "::1", true },
	{ "any address, asked over IPv4", NULL, "127.0.0.1", false },
	{ "any address, asked at another one", NULL, "127.8.8.8", false },
	{ "one IPv4 address", "127.0.0.1", "127.0.0.1", false },
	{ "every IPv4 address", "0.0.0.0", "127.3.3.3", false },
	{ "one IPv6 address", "::1", "::1", true },
};

/* Every first byte, to a group of `n`. */
static void
steer(const char *listen, const char *to, unsigned n)
{
	struct addr	  addr = listen != NULL ? A(listen) : any, dst = A(to);
	struct udp_batch *batch = udp_batch_new(true, NULL, NULL);
	struct endpoint	  ep;
	int		  fds[16], client;

	ck_assert_int_eq(sockets_listen_udp(&addr, 0, fds, n), (int)n);
	ep = endpoint_make(&dst, port_of(fds[0]));
	client = socket(dst.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(client, -1);
	for (unsigned i = 0; i < n; i++) {
		assert_shape(fds[i]);
		ck_assert_uint_eq(port_of(fds[i]), port_of(fds[0]));
	}
	for (unsigned byte = 0; byte < 256; byte++) {
		uint8_t		     first = (uint8_t)byte;
		struct udp_datagram  dgram;
		struct endpoint	     local = { 0 };
		struct addr	     at;

		ck_assert_int_eq(sendto(client, &first, 1, 0, &ep.sa, ep.len),
		    1);
		for (unsigned i = 0; i < n; i++)
			ck_assert_msg(is_ready(fds[i]) ==
				(i == (byte & 0x3f) % n),
			    "byte %u at socket %u of %u", byte, i, n);
		ck_assert_int_eq(
		    udp_receive(batch, fds[(byte & 0x3f) % n], start), 1);
		ck_assert(udp_next(batch, &dgram));
		ck_assert_uint_eq(dgram.len, 1);
		local.in6.sin6_family = AF_INET6;
		local.in6.sin6_addr = dgram.path->local;
		local.len = sizeof(local.in6);
		at = endpoint_addr(&local);
		ck_assert_msg(addr_is_equal(&at, &dst), "came to %s", to);
		ck_assert(!udp_next(batch, &dgram));
	}
	close(client);
	close_all(fds, n);
	udp_batch_free(batch);
}

START_TEST(datagram_comes_to_the_socket_of_its_lane)
{
	if (groups[_i].ipv6 && !host_has_ipv6())
		return;
	steer(groups[_i].listen, groups[_i].to, 1);
	steer(groups[_i].listen, groups[_i].to, 3);
	steer(groups[_i].listen, groups[_i].to, 16);
}
END_TEST

START_TEST(port_of_somebody_else_is_not_shared)
{
	int	 fds[NFDS], more[NFDS], tcp;
	uint16_t port;

	ck_assert_int_eq(sockets_listen_udp(&any, 0, fds, NFDS), NFDS);
	port = port_of(fds[0]);
	/* Of the same user, and with SO_REUSEPORT: the kernel would allow it. */
	ck_assert_int_eq(sockets_listen_udp(&any, port, more, NFDS),
	    -EADDRINUSE);
	close_all(fds, NFDS);
	ck_assert_int_eq(sockets_listen_udp(&any, port, more, NFDS), NFDS);
	close_all(more, NFDS);

	tcp = sockets_listen_tcp(&any, 0);
	ck_assert_int_ge(tcp, 0);
	ck_assert_int_eq(sockets_listen_tcp(&any, port_of(tcp)), -EADDRINUSE);
	close(tcp);
}
END_TEST

START_TEST(address_that_is_not_ours_yet_may_come)
{
	struct addr away[] = { A("192.0.2.1"), A("2001:db8::9") };
	struct addr here = A("127.0.0.1");
	int	    fds[2], tcp;

	for (size_t i = 0; i < nitems(away); i++) {
		ck_assert(!sockets_has_address(&away[i]));
		tcp = sockets_listen_tcp(&away[i], 0);
		ck_assert_int_ge(tcp, 0);
		close(tcp);
		ck_assert_int_eq(sockets_listen_udp(&away[i], 0, fds, 2), 2);
		close_all(fds, 2);
	}
	ck_assert(sockets_has_address(&here));
}
END_TEST

/* -------------------------------------------------------- without IPv6 */

/* From here on socket(AF_INET6) fails, as with ipv6.disable=1. */
static void
forbid_ipv6(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { nitems(code), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
	    0);
	ck_assert_int_eq(socket(AF_INET6, SOCK_STREAM, 0), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
}

static int
work_without_ipv6(void)
{
	struct addr v6 = A("::1");
	int	    fds[3], tcp;

	forbid_ipv6();
	tcp = sockets_listen_tcp(&any, 0);
	if (tcp < 0 || domain_of(tcp) != AF_INET)
		return 1;
	close(tcp);
	if (sockets_listen_udp(&any, 0, fds, 3) != 3 ||
	    domain_of(fds[0]) != AF_INET || domain_of(fds[2]) != AF_INET)
		return 2;
	close_all(fds, 3);
	if (sockets_listen_tcp(&v6, 0) != -EAFNOSUPPORT ||
	    sockets_listen_udp(&v6, 0, fds, 3) != -EAFNOSUPPORT)
		return 3;
	steer(NULL, "127.0.0.1", 4);
	return 0;
}

/* In a child of its own: a filter cannot be taken off again. */
START_TEST(host_without_ipv6_listens_on_ipv4)
{
	int   status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(work_without_ipv6());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* ----------------------------------------------------------------- TCP */

START_TEST(listener_takes_both_families_or_the_one_it_was_given)
{
	static const struct {
		const char *what, *listen, *to;
		bool	    reached;
	} rows[] = {
		{ "any, IPv4", NULL, "127.0.0.1", true },
		{ "any, IPv6", NULL, "::1", true },
		{ "IPv4, IPv4", "0.0.0.0", "127.0.0.1", true },
		{ "IPv4, IPv6", "0.0.0.0", "::1", false },
		{ "IPv6, IPv6", "::", "::1", true },
		{ "IPv6, IPv4", "::", "127.0.0.1", false },
		{ "one, that", "127.0.0.1", "127.0.0.1", true },
		{ "one, another", "127.0.0.1", "127.0.0.2", false },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		struct addr addr = rows[i].listen != NULL ? A(rows[i].listen) :
							    any;
		struct addr	dst = A(rows[i].to);
		struct endpoint ep;
		struct pollfd	pfd = { .events = POLLOUT };
		int		fd;

		if ((addr.family == AF_INET6 || dst.family == AF_INET6) &&
		    !host_has_ipv6())
			continue;
		fd = sockets_listen_tcp(&addr, 0);
		ck_assert_msg(fd >= 0, "%s", rows[i].what);
		ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		ep = endpoint_make(&dst, port_of(fd));
		pfd.fd = sockets_connect(&ep, 0);
		if (pfd.fd >= 0) {
			ck_assert_int_eq(poll(&pfd, 1, 2000), 1);
			ck_assert_msg((get_int(pfd.fd, SOL_SOCKET, SO_ERROR) ==
					  0) == rows[i].reached,
			    "%s", rows[i].what);
			ck_assert_int_eq(get_int(pfd.fd, IPPROTO_TCP,
					     TCP_NODELAY),
			    1);
			close(pfd.fd);
		} else {
			ck_assert_msg(!rows[i].reached, "%s", rows[i].what);
		}
		close(fd);
	}
}
END_TEST

START_TEST(connecting_does_not_wait)
{
	struct addr	dst = A("127.0.0.1");
	struct endpoint ep = endpoint_make(&dst, 1);
	int		fd = sockets_connect(&ep, 0);

	/* Refused now or later; never a descriptor that blocks. */
	if (fd >= 0) {
		ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		close(fd);
	} else {
		ck_assert_int_eq(fd, -ECONNREFUSED);
	}
}
END_TEST

/* --------------------------------------------------------------- lanes */

START_TEST(lanes_have_a_port_each_and_the_servers_family)
{
	static const char *const servers[] = { "127.0.0.1", "::1" };

	for (size_t i = 0; i < nitems(servers); i++) {
		struct addr	addr = A(servers[i]);
		struct endpoint ep = endpoint_make(&addr, 55555);
		int		fds[16];

		if (addr.family == AF_INET6 && !host_has_ipv6())
			continue;
		ck_assert_int_eq(sockets_lanes(&ep, 0, fds, 16), 16);
		for (unsigned j = 0; j < 16; j++) {
			assert_shape(fds[j]);
			ck_assert_int_eq(domain_of(fds[j]), addr.family);
			ck_assert_uint_ne(port_of(fds[j]), 0);
			for (unsigned k = 0; k < j; k++)
				ck_assert_uint_ne(port_of(fds[j]),
				    port_of(fds[k]));
		}
		close_all(fds, 16);
	}
}
END_TEST

/* -------------------------------------------------------- local socket */

static char dir[128];

static char *
in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
make_dir(void)
{
	strlcpy(dir, "/tmp/sockets.XXXXXX", sizeof(dir));
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static int
connect_to(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int r, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strlcpy(un.sun_path, path, sizeof(un.sun_path));
	r = connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1 ? -errno : 0;
	close(fd);
	return r;
}

START_TEST(local_socket_replaces_a_dead_one_only)
{
	struct stat st;
	char	   *path;
	int	    fd, again;

	make_dir();
	path = in_dir("x.sock");
	fd = sockets_listen_unix(path, (gid_t)-1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	ck_assert_int_eq(connect_to(path), 0);

	ck_assert_int_eq(sockets_listen_unix(path, (gid_t)-1), -EADDRINUSE);
	ck_assert_int_eq(connect_to(path), 0);
	close(fd);
	ck_assert_int_eq(connect_to(path), -ECONNREFUSED);
	again = sockets_listen_unix(path, getegid());
	ck_assert_int_ge(again, 0);
	ck_assert_int_eq(connect_to(path), 0);
	close(again);
	ck_assert_int_eq(unlink(path), 0);
	/* Nothing beside it was left. */
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(local_socket_does_not_replace_a_file)
{
	char *path;
	int   fd;

	make_dir();
	path = in_dir("precious");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(sockets_listen_unix(path, (gid_t)-1), -EEXIST);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/nowhere", path), 0);
	ck_assert_int_eq(sockets_listen_unix(path, (gid_t)-1), -EEXIST);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(sockets_listen_unix(path, (gid_t)-1), -ENOENT);
}
END_TEST

START_TEST(local_socket_of_the_greatest_length)
{
	char  *path;
	size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	char   name[128];
	int    fd;

	make_dir();
	memset(name, 'x', sizeof(name));
	name[room - strlen(dir) - 1] = '\0';
	path = in_dir(name);
	ck_assert_uint_eq(strlen(path), room);
	fd = sockets_listen_unix(path, (gid_t)-1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect_to(path), 0);
	close(fd);
	ck_assert_int_eq(unlink(path), 0);
	strlcat(path, "x", 256);
	ck_assert_int_eq(sockets_listen_unix(path, (gid_t)-1), -ENAMETOOLONG);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("sockets");
	TCase	*tcase = tcase_create("sockets");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_loop_test(tcase, datagram_comes_to_the_socket_of_its_lane, 0,
	    nitems(groups));
	tcase_add_test(tcase, port_of_somebody_else_is_not_shared);
	tcase_add_test(tcase, address_that_is_not_ours_yet_may_come);
	tcase_add_test(tcase, host_without_ipv6_listens_on_ipv4);
	tcase_add_test(tcase,
	    listener_takes_both_families_or_the_one_it_was_given);
	tcase_add_test(tcase, connecting_does_not_wait);
	tcase_add_test(tcase, lanes_have_a_port_each_and_the_servers_family);
	tcase_add_test(tcase, local_socket_replaces_a_dead_one_only);
	tcase_add_test(tcase, local_socket_does_not_replace_a_file);
	tcase_add_test(tcase, local_socket_of_the_greatest_length);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
