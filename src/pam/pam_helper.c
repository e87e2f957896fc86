/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "pam/pam_helper.h"

#include "base/log.h"

#ifdef HAVE_PAM

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>
#include <security/pam_appl.h>

#include "base/mono.h"
#include "base/secret.h"
#include "proc/pam_chat.h"
#include "proc/voucher.h"

#define TTY "tombolo"
/* No account has a colon in its name, and nobody types this password. */
#define NOBODY		"tombolo:nobody"
#define NOBODYS_ANSWER	"\b\n\r\177INCORRECT"

/* What modules said since the last prompt: it goes in front of the next. */
struct talk {
	const struct pam_chat_task *task;
	char	 notes[PAM_CHAT_TEXT_MAX + 1];
	unsigned prompts;
	bool	 was_checked; /* an answer was right, or never came */
	char	 reason[PAM_CHAT_TEXT_MAX]; /* for the log, if any */
};

static bool read_task(struct pam_chat_task *task);
static int  ask_pam(struct talk *talk);
static void explain(struct talk *talk, pam_handle_t *pam, int r);
static bool is_fault(const struct talk *talk, int r);
static int  converse(int n, const struct pam_message **messages,
     struct pam_response **responses, void *arg);
static bool serve_message(struct talk *talk, const struct pam_message *message,
     struct pam_response *response);
static void note(struct talk *talk, const char *text);
static char *ask(struct talk *talk, const char *text, bool echo);
static bool say(uint8_t type, const void *data, size_t len);
static void forget(struct pam_response *responses, int n);

int
pam_helper_main(void)
{
	struct pam_chat_task task;
	struct talk	     talk = { .task = &task };
	uint8_t		     key[VOUCHER_KEY_LEN], voucher[VOUCHER_LEN];
	int		     r;

	if (voucher_key_read(PAM_HELPER_VOUCHER_FD, key) < 0 ||
	    !read_task(&task))
		return 1;
	r = ask_pam(&talk);
	if (r == PAM_SUCCESS && task.known) {
		voucher_make(voucher, key, task.site, mono_now());
		say(PAM_CHAT_YES, voucher, sizeof(voucher));
	} else {
		say(is_fault(&talk, r) ? PAM_CHAT_FAULT : PAM_CHAT_NO,
		    talk.reason, strlen(talk.reason));
	}
	secret_wipe(key, sizeof(key));
	return 0;
}

static bool
read_task(struct pam_chat_task *task)
{
	ssize_t n = read(PAM_HELPER_TASK_FD, task, sizeof(*task));

	close(PAM_HELPER_TASK_FD);
	return n == (ssize_t)sizeof(*task);
}

/* PAM's own code.  The account is checked only after a right answer. */
static int
ask_pam(struct talk *talk)
{
	const struct pam_chat_task *task = talk->task;
	struct pam_conv		    conv = { converse, talk };
	pam_handle_t		   *pam = NULL;
	int			    r;

	r = pam_start(task->service, task->known ? task->site : NOBODY, &conv,
	    &pam);
	if (r != PAM_SUCCESS) {
		explain(talk, pam, r);
		return r;
	}
	pam_set_item(pam, PAM_RHOST, task->address);
	pam_set_item(pam, PAM_TTY, TTY);
	r = pam_authenticate(pam, PAM_DISALLOW_NULL_AUTHTOK | PAM_SILENT);
	if (r == PAM_SUCCESS) {
		talk->was_checked = true;
		r = pam_acct_mgmt(pam, PAM_DISALLOW_NULL_AUTHTOK | PAM_SILENT);
	}
	explain(talk, pam, r);
	pam_end(pam, r);
	return r;
}

/* Why, when that is more than "a wrong answer". */
static void
explain(struct talk *talk, pam_handle_t *pam, int r)
{
	if (r == PAM_SUCCESS || r == PAM_AUTH_ERR || r == PAM_USER_UNKNOWN ||
	    r == PAM_MAXTRIES)
		return;
	snprintf(talk->reason, sizeof(talk->reason), "PAM service %s: %s",
	    talk->task->service, pam_strerror(pam, r));
}

/*
 * PAM could check no answer, so the attempt is free.  All other codes may
 * depend on the answer: of an expired account they say that it was right.
 * Unknown sites are treated alike, or they could be told from the others.
 */
static bool
is_fault(const struct talk *talk, int r)
{
	return !talk->was_checked &&
	    (r == PAM_SYSTEM_ERR || r == PAM_SERVICE_ERR || r == PAM_OPEN_ERR ||
		r == PAM_SYMBOL_ERR || r == PAM_BUF_ERR ||
		r == PAM_MODULE_UNKNOWN || r == PAM_AUTHINFO_UNAVAIL);
}

/* PAM's callback: what it returns PAM frees. */
static int
converse(int n, const struct pam_message **messages,
    struct pam_response **responses, void *arg)
{
	struct pam_response *list;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	list = calloc((size_t)n, sizeof(*list));
	if (list == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		if (serve_message(arg, messages[i], &list[i]))
			continue;
		forget(list, n);
		return PAM_CONV_ERR;
	}
	*responses = list;
	return PAM_SUCCESS;
}

static bool
serve_message(struct talk *talk, const struct pam_message *message,
    struct pam_response *response)
{
	switch (message->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
	case PAM_PROMPT_ECHO_ON:
		response->resp = ask(talk, message->msg,
		    message->msg_style == PAM_PROMPT_ECHO_ON);
		talk->was_checked |= response->resp == NULL;
		return response->resp != NULL;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		note(talk, message->msg);
		note(talk, " ");
		return true;
	default:
		return false;
	}
}

/* Under the name that was asked for, whoever PAM was asked about. */
static void
note(struct talk *talk, const char *text)
{
	const char *nobody;
	size_t	    n;

	while (!talk->task->known && (nobody = strstr(text, NOBODY)) != NULL) {
		n = strlen(talk->notes);
		snprintf(talk->notes + n, sizeof(talk->notes) - n, "%.*s%s",
		    (int)(nobody - text), text, talk->task->site);
		text = nobody + strlen(NOBODY);
	}
	strlcat(talk->notes, text, sizeof(talk->notes));
}

/*
 * One prompt and its answer, malloc'ed; NULL: the other end is gone.  Whom PAM
 * may not let in it is never told the answer of: how long it takes to find that
 * one right would tell the passwords of this host's accounts.
 */
static char *
ask(struct talk *talk, const char *text, bool echo)
{
	uint8_t buf[PAM_CHAT_MAX + 1];
	char   *answer;
	ssize_t n;

	if (++talk->prompts > PAM_CHAT_MAX_PROMPTS)
		return NULL;
	buf[0] = echo ? 1 : 0;
	note(talk, text);
	n = (ssize_t)strlen(talk->notes);
	for (ssize_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)talk->notes[i];

		buf[1 + i] = c < 0x20 || c >= 0x7f ? ' ' : c;
	}
	talk->notes[0] = '\0';
	if (!say(PAM_CHAT_PROMPT, buf, 1 + (size_t)n))
		return NULL;
	do
		n = recv(PAM_HELPER_CHAT_FD, buf, sizeof(buf), 0);
	while (n == -1 && errno == EINTR);
	if (n < 1 || n > 1 + PAM_CHAT_ANSWER_MAX || buf[0] != PAM_CHAT_ANSWER ||
	    memchr(buf + 1, '\0', (size_t)n - 1) != NULL)
		return NULL;
	answer = talk->task->known ?
	    strndup((const char *)buf + 1, (size_t)n - 1) :
	    strdup(NOBODYS_ANSWER);
	secret_wipe(buf, sizeof(buf));
	return answer;
}

static bool
say(uint8_t type, const void *data, size_t len)
{
	uint8_t buf[PAM_CHAT_MAX];

	buf[0] = type;
	if (len > 0)
		memcpy(buf + 1, data, len);
	return send(PAM_HELPER_CHAT_FD, buf, 1 + len, MSG_NOSIGNAL) ==
	    (ssize_t)(1 + len);
}

static void
forget(struct pam_response *responses, int n)
{
	for (int i = 0; i < n; i++) {
		if (responses[i].resp != NULL)
			secret_free(responses[i].resp,
			    strlen(responses[i].resp) + 1);
	}
	free(responses);
}

#else /* !HAVE_PAM */

int
pam_helper_main(void)
{
	log_warnx("this build has no PAM");
	return 1;
}

#endif
