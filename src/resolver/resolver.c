/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resolver/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "proc/chan.h"
#include "proc/proc.h"
#include "proc/request.h"
#include "proc/sandbox.h"

static int  serve_lookup(int fd, const struct chan_msg *msg);
static int  to_errno(int gai_error);
static bool take_addr(const struct addrinfo *ai, struct addr *addr);

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
resolver_lookup(const char *host, struct addr *list, unsigned max)
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
	     ai = ai->ai_next)
		n += take_addr(ai, &list[n]);
	freeaddrinfo(found);
	return (int)n;
}

static int
serve_lookup(int fd, const struct chan_msg *msg)
{
	struct request_lookup lookup;
	struct request_list   answer = { .n = 0 };
	int		      n;

	if (!chan_get(msg, &lookup, sizeof(lookup)) ||
	    !request_text_is_good(lookup.host))
		return -EBADMSG;
	n = resolver_lookup(lookup.host, answer.list, REQUEST_MAX_ENDPOINTS);
	if (n < 0)
		log_debug("%s: %s", lookup.host, strerror(-n));
	answer.error = n < 0 ? (uint32_t)-n : 0;
	answer.n = n < 0 ? 0 : (uint32_t)n;
	return chan_send_fd(fd, REQUEST_LOOKUP, msg->id, &answer,
	    sizeof(answer), NULL, 0);
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
take_addr(const struct addrinfo *ai, struct addr *addr)
{
	struct endpoint ep = { .len = ai->ai_addrlen };

	if ((ai->ai_family != AF_INET && ai->ai_family != AF_INET6) ||
	    ai->ai_addrlen > sizeof(ep.in6))
		return false;
	memcpy(&ep.in6, ai->ai_addr, ai->ai_addrlen);
	*addr = endpoint_addr(&ep);
	return true;
}
