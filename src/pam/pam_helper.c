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
	bool	 cut; /* the other end did not answer, or not properly */
};

static bool read_task(struct pam_chat_task *task);
static int  ask_pam(struct talk *talk);
static bool is_fault(const struct talk *talk, int r);
static int  converse(int n, const struct pam_message **messages,
     struct pam_response **responses, void *arg);
static bool serve_message(struct talk *talk, const struct pam_message *message,
     struct pam_response *response);
static void note(struct talk *talk, const char *text);
static void put_prompt(struct talk *talk, const char *text);
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
		say(is_fault(&talk, r) ? PAM_CHAT_FAULT : PAM_CHAT_NO, NULL, 0);
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

/* PAM's own code, which is in the log when it says more than "wrong". */
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
		log_warnx("PAM: service %s: %s", task->service,
		    pam_strerror(pam, r));
		return r;
	}
	pam_set_item(pam, PAM_RHOST, task->address);
	pam_set_item(pam, PAM_TTY, TTY);
	r = pam_authenticate(pam, PAM_DISALLOW_NULL_AUTHTOK | PAM_SILENT);
	if (r == PAM_SUCCESS)
		r = pam_acct_mgmt(pam, PAM_DISALLOW_NULL_AUTHTOK | PAM_SILENT);
	if (task->known && is_fault(talk, r))
		log_warnx("PAM: site %s: service %s: %s", task->site,
		    task->service, pam_strerror(pam, r));
	pam_end(pam, r);
	return r;
}

/*
 * Something else than a wrong answer.  A conversation that the other end cut
 * is none, or it could guess the first of two answers for nothing.
 */
static bool
is_fault(const struct talk *talk, int r)
{
	return !talk->cut && r != PAM_SUCCESS && r != PAM_AUTH_ERR &&
	    r != PAM_USER_UNKNOWN && r != PAM_MAXTRIES;
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
		talk->cut |= response->resp == NULL;
		return response->resp != NULL;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		note(talk, message->msg);
		return true;
	default:
		return false;
	}
}

static void
note(struct talk *talk, const char *text)
{
	strlcat(talk->notes, text, sizeof(talk->notes));
	strlcat(talk->notes, " ", sizeof(talk->notes));
}

/* Under the name that was asked for, whoever PAM was asked about. */
static void
put_prompt(struct talk *talk, const char *text)
{
	const char *nobody = talk->task->known ? NULL : strstr(text, NOBODY);

	if (nobody == NULL) {
		strlcat(talk->notes, text, sizeof(talk->notes));
		return;
	}
	snprintf(talk->notes + strlen(talk->notes),
	    sizeof(talk->notes) - strlen(talk->notes), "%.*s%s%s",
	    (int)(nobody - text), text, talk->task->site,
	    nobody + strlen(NOBODY));
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
	put_prompt(talk, text);
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
