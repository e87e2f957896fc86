/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resolver/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/wire.h"
#include "proc/chan.h"
#include "proc/proc.h"
#include "proc/request.h"
#include "proc/sandbox.h"

#define HOST_SIZE   256 /* a DNS name has 253 characters at most */
#define ANSWER_SIZE 512

static int  serve_lookup(int fd, const struct chan_msg *msg);
static int  to_errno(int gai_error);
static bool take_endpoint(const struct addrinfo *ai, struct endpoint *ep);

int
resolver_main(void)
{
	int r;

	sandbox_files(PROC_RESOLVER, -1, -1);
	sandbox_calls(PROC_RESOLVER);
	r = resolver_serve(PROC_CHAN_FD);

	if (r == 0)
		return 0;
	errno = -r;
	log_warn("cannot serve the monitor");
	return 1;
}

int
resolver_serve(int fd)
{
	uint8_t	       *buf = malloc(CHAN_MAX_PAYLOAD);
	struct chan_msg msg;
	int		r;

	if (buf == NULL)
		return -ENOMEM;
	while ((r = chan_recv_fd(fd, &msg, buf, -1)) == 0) {
		chan_msg_close_fds(&msg);
		r = msg.type == REQUEST_LOOKUP ? serve_lookup(fd, &msg) :
						 -EBADMSG;
		if (r < 0)
			break;
	}
	free(buf);
	return r == -EPIPE ? 0 : r;
}

int
resolver_lookup(const char *host, uint16_t port, struct endpoint *list,
    unsigned max)
{
	/*
	 * No AI_ADDRCONFIG: at boot the addresses may come after us, and an
	 * address that cannot be reached yet costs one failed connect.
	 */
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	unsigned	 n = 0;
	int		 r = getaddrinfo(host, NULL, &hints, &found);

	if (r != 0)
		return to_errno(r);
	for (struct addrinfo *ai = found; ai != NULL && n < max;
	     ai = ai->ai_next) {
		struct endpoint ep;
		struct addr	addr;

		if (!take_endpoint(ai, &ep))
			continue;
		addr = endpoint_addr(&ep);
		list[n++] = endpoint_make(&addr, port);
	}
	freeaddrinfo(found);
	return (int)n;
}

static int
serve_lookup(int fd, const struct chan_msg *msg)
{
	struct endpoint	   list[REQUEST_MAX_ENDPOINTS];
	struct wire_reader reader;
	struct wire_writer writer;
	char		   host[HOST_SIZE];
	uint8_t		   answer[ANSWER_SIZE];
	uint16_t	   port;
	int		   n;

	wire_reader_init(&reader, msg->data, msg->len);
	wire_get_string(&reader, host, sizeof(host));
	port = wire_get_u16(&reader);
	if (!wire_is_done(&reader))
		return -EBADMSG;
	n = resolver_lookup(host, port, list, REQUEST_MAX_ENDPOINTS);
	if (n < 0)
		log_debug("%s: %s", host, strerror(-n));
	wire_writer_init(&writer, answer, sizeof(answer));
	wire_put_u32(&writer, n < 0 ? (uint32_t)-n : 0);
	wire_put_u8(&writer, n < 0 ? 0 : (uint8_t)n);
	for (int i = 0; i < n; i++)
		request_put_endpoint(&writer, &list[i]);
	if (!wire_writer_is_ok(&writer))
		return -EMSGSIZE;
	return chan_send_fd(fd, REQUEST_LOOKUP, msg->id, answer, writer.len,
	    NULL, 0);
}

static int
to_errno(int gai_error)
{
	switch (gai_error) {
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno > 0 ? -errno : -EIO;
	case EAI_NONAME:
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
		return -ENOENT;
	default:
		return -EIO;
	}
}

static bool
take_endpoint(const struct addrinfo *ai, struct endpoint *ep)
{
	*ep = (struct endpoint) { 0 };
	if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
		return false;
	if (ai->ai_addrlen > sizeof(ep->in6))
		return false;
	memcpy(&ep->in6, ai->ai_addr, ai->ai_addrlen);
	ep->len = ai->ai_addrlen;
	return true;
}
