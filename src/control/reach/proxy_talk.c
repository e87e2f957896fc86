/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/proxy_talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <bsd/string.h>

static void on_io(struct ev_loop *loop, struct ev_io *io, int events);
static void on_deadline(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static const char *send_some(struct proxy_talk *talk);
static const char *receive_some(struct proxy_talk *talk);
static void watch(struct proxy_talk *talk);
static void end(struct proxy_talk *talk, const char *why);

void
proxy_talk_init(struct proxy_talk *talk, struct ev_loop *loop,
    void (*done)(void *arg, const char *why), void *arg)
{
	*talk = (struct proxy_talk) { .loop = loop, .fd = -1, .done = done,
		.arg = arg };
	ev_init(&talk->io, on_io);
	ev_timer_init(&talk->deadline, on_deadline, PROXY_TALK_SEC, 0);
	talk->io.data = talk->deadline.data = talk;
}

void
proxy_talk_start(struct proxy_talk *talk, int fd, enum conf_proxy_kind kind,
    const char *host, uint16_t port, const char *login)
{
	talk->fd = fd;
	proxy_init(&talk->proxy, kind, host, port, login);
	ev_timer_set(&talk->deadline, PROXY_TALK_SEC, 0);
	ev_timer_start(talk->loop, &talk->deadline);
	/* It is connected, so this is the next turn. */
	ev_io_set(&talk->io, fd, EV_WRITE);
	ev_io_start(talk->loop, &talk->io);
}

void
proxy_talk_stop(struct proxy_talk *talk)
{
	if (talk->fd == -1)
		return;
	ev_io_stop(talk->loop, &talk->io);
	ev_timer_stop(talk->loop, &talk->deadline);
	proxy_fini(&talk->proxy);
	talk->fd = -1;
}

static void
on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct proxy_talk *talk = io->data;
	const char	  *why = NULL;

	if (talk->proxy.out_len > 0)
		why = send_some(talk);
	else if (talk->proxy.state != PROXY_FAILED)
		why = receive_some(talk);
	if (why != NULL)
		end(talk, why);
	else if (talk->proxy.state == PROXY_FAILED)
		end(talk, talk->proxy.why);
	else if (talk->proxy.state == PROXY_DONE)
		end(talk, NULL);
	else
		watch(talk);
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	end(timer->data, "the proxy does not answer in time");
}

static const char *
send_some(struct proxy_talk *talk)
{
	struct proxy *proxy = &talk->proxy;
	ssize_t	      n = send(talk->fd, proxy->out, proxy->out_len,
		      MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? NULL :
							   strerror(errno);
	proxy->out_len -= (size_t)n;
	memmove(proxy->out, proxy->out + n, proxy->out_len);
	return NULL;
}

static const char *
receive_some(struct proxy_talk *talk)
{
	uint8_t buf[512];
	ssize_t n = recv(talk->fd, buf, sizeof(buf), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? NULL :
							   strerror(errno);
	if (n == 0)
		return "the proxy closed the connection";
	proxy_take(&talk->proxy, buf, (size_t)n);
	return NULL;
}

static void
watch(struct proxy_talk *talk)
{
	ev_io_stop(talk->loop, &talk->io);
	ev_io_set(&talk->io, talk->fd,
	    talk->proxy.out_len > 0 ? EV_WRITE : EV_READ);
	ev_io_start(talk->loop, &talk->io);
}

/* Copies the text first: it is in memory that is wiped. */
static void
end(struct proxy_talk *talk, const char *why)
{
	char text[sizeof(talk->proxy.why)];

	if (why != NULL)
		strlcpy(text, why, sizeof(text));
	proxy_talk_stop(talk);
	talk->done(talk->arg, why != NULL ? text : NULL);
}
