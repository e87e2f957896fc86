/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/auth/pam_talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "engine/ask/monitor_ask.h"

static void on_helper(void *arg, const int *fds, unsigned n, int error);
static void on_readable(struct ev_loop *loop, struct ev_io *io, int events);
static void dispatch(struct pam_talk *talk, const uint8_t *data, size_t len);
static void hang_up(struct pam_talk *talk);
static void take_text(char *text, const uint8_t *data, size_t len);
static void end(struct pam_talk *talk, enum keeper_verdict verdict,
    const uint8_t *voucher);

int
pam_talk_start(struct pam_talk *talk, struct ev_loop *loop,
    struct monitor_ask *monitor, const char *site, const char *address,
    const struct pam_talk_events *events, void *arg)
{
	*talk = (struct pam_talk) { .loop = loop, .monitor = monitor, .fd = -1,
		.events = events, .arg = arg };
	return monitor_ask_pam(monitor, site, address, on_helper, talk);
}

void
pam_talk_stop(struct pam_talk *talk)
{
	if (talk->monitor == NULL)
		return;
	monitor_ask_cancel(talk->monitor, talk);
	hang_up(talk);
	talk->monitor = NULL;
}

bool
pam_talk_answer(struct pam_talk *talk, const uint8_t *answer, size_t len)
{
	uint8_t buf[1 + PAM_CHAT_ANSWER_MAX];
	ssize_t n;

	if (talk->fd == -1 || len > PAM_CHAT_ANSWER_MAX)
		return false;
	buf[0] = PAM_CHAT_ANSWER;
	memcpy(buf + 1, answer, len);
	n = send(talk->fd, buf, 1 + len, MSG_NOSIGNAL | MSG_DONTWAIT);
	secret_wipe(buf, sizeof(buf));
	return n == (ssize_t)(1 + len);
}

static void
on_helper(void *arg, const int *fds, unsigned n, int error)
{
	struct pam_talk *talk = arg;

	/* The monitor has logged why. */
	if (n == 0) {
		end(talk, KEEPER_FAILED, NULL);
		return;
	}
	talk->fd = fds[0];
	ev_io_init(&talk->io, on_readable, talk->fd, EV_READ);
	talk->io.data = talk;
	ev_io_start(talk->loop, &talk->io);
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct pam_talk *talk = io->data;
	uint8_t		 buf[PAM_CHAT_MAX + 1];
	ssize_t		 n = recv(talk->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		end(talk, KEEPER_NO, NULL);
	else
		dispatch(talk, buf, (size_t)n);
}

static void
dispatch(struct pam_talk *talk, const uint8_t *data, size_t len)
{
	char text[PAM_CHAT_TEXT_MAX + 1];

	if (data[0] == PAM_CHAT_YES && len == 1 + VOUCHER_LEN) {
		end(talk, KEEPER_YES, data + 1);
	} else if (data[0] == PAM_CHAT_PROMPT && len >= 2 &&
	    len - 2 < sizeof(text)) {
		take_text(text, data + 2, len - 2);
		talk->events->on_prompt(talk->arg, text, data[1] == 1);
	} else {
		talk->fault = data[0] == PAM_CHAT_FAULT;
		if (len - 1 < sizeof(talk->reason))
			take_text(talk->reason, data + 1, len - 1);
		end(talk, KEEPER_NO, NULL);
	}
}

static void
take_text(char *text, const uint8_t *data, size_t len)
{
	memcpy(text, data, len);
	text[len] = '\0';
}

static void
hang_up(struct pam_talk *talk)
{
	if (talk->fd == -1)
		return;
	ev_io_stop(talk->loop, &talk->io);
	close(talk->fd);
	talk->fd = -1;
}

static void
end(struct pam_talk *talk, enum keeper_verdict verdict, const uint8_t *voucher)
{
	hang_up(talk);
	talk->events->on_end(talk->arg, verdict, voucher);
}
