/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "monitor/serve/pam.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "proc/chan.h"
#include "proc/pam_chat.h"
#include "proc/proc.h"

#define MAX_DEPTH 8 /* of programs started by modules */

static struct pam_slot *free_slot(struct pam *pam);
static int  start(struct pam_slot *slot, const struct pam_chat_task *task,
    int log_level);
static int  task_pipe(const struct pam_chat_task *task);
static void end(struct pam_slot *slot);
static void on_exit_of(struct ev_loop *loop, struct ev_child *w, int what);
static void kill_tree(pid_t pid, unsigned depth);
static void on_look(struct ev_loop *loop, struct ev_timer *w, int what);

void
pam_init(struct pam *pam, struct ev_loop *loop)
{
	*pam = (struct pam) { .loop = loop };
	secret_random(pam->voucher_key, sizeof(pam->voucher_key));
	for (size_t i = 0; i < nitems(pam->slots); i++) {
		struct pam_slot *slot = &pam->slots[i];

		slot->pam = pam;
		ev_init(&slot->child, on_exit_of);
		ev_timer_init(&slot->timer, on_look, 1., 1.);
		slot->child.data = slot->timer.data = slot;
	}
}

void
pam_fini(struct pam *pam)
{
	for (size_t i = 0; i < nitems(pam->slots); i++) {
		struct pam_slot *slot = &pam->slots[i];

		if (!slot->used)
			continue;
		kill_tree(slot->child.pid, 0);
		proc_kill(slot->child.pid, slot->child.pid);
		end(slot);
	}
	secret_wipe(pam->voucher_key, sizeof(pam->voucher_key));
}

bool
pam_is_used(const struct conf *conf)
{
	if (conf->role != CONF_SERVER ||
	    (conf->auths & CONF_AUTH_BIT(CONF_AUTH_PAM)) == 0)
		return false;
	for (size_t i = 0; i < conf->nsites; i++) {
		if (conf->sites[i].auth == CONF_AUTH_PAM)
			return true;
	}
	return false;
}

int
pam_begin(struct pam *pam, const struct conf *conf, const char *site,
    const char *address)
{
#ifdef HAVE_PAM
	const struct conf_site *cs = conf_find_site(conf, site);
	struct pam_chat_task	task = {
		 .known = cs != NULL && cs->auth == CONF_AUTH_PAM &&
		     !cs->disabled && !cs->faulty,
	};
	struct pam_slot *slot = free_slot(pam);

	if (slot == NULL) {
		pam->refused++;
		log_warnx("PAM: %d logins in progress: another one is refused",
		    PAM_MAX_HELPERS);
		return -EAGAIN;
	}
	strlcpy(task.service, conf->pam_service, sizeof(task.service));
	strlcpy(task.site, site, sizeof(task.site));
	strlcpy(task.address, address, sizeof(task.address));
	return start(slot, &task, (int)conf->log_level);
#else
	return -ENOTSUP;
#endif
}

static struct pam_slot *
free_slot(struct pam *pam)
{
	for (size_t i = 0; i < nitems(pam->slots); i++) {
		if (!pam->slots[i].used)
			return &pam->slots[i];
	}
	return NULL;
}

static int
start(struct pam_slot *slot, const struct pam_chat_task *task, int log_level)
{
	struct pam *pam = slot->pam;
	int	    chat[2], key = -1, about = -1;
	pid_t	    pid = chan_pair(chat);

	if (pid < 0)
		return pid;
	key = voucher_key_pipe(pam->voucher_key);
	about = task_pipe(task);
	pid = key < 0 ? key : about;
	if (key >= 0 && about >= 0) {
		const int fds[] = { chat[1], key, about };

		pid = proc_start(PROC_PAM, fds, nitems(fds), log_level);
	}
	if (key >= 0)
		close(key);
	if (about >= 0)
		close(about);
	if (pid < 0) {
		close(chat[0]);
		close(chat[1]);
		return pid;
	}
	slot->used = true;
	slot->chat_fd = chat[1];
	slot->end = mono_add(mono_now(), PAM_CHAT_SEC * MONO_SEC);
	ev_child_set(&slot->child, pid, 0);
	ev_child_start(pam->loop, &slot->child);
	ev_timer_set(&slot->timer, 1., 1.);
	ev_timer_start(pam->loop, &slot->timer);
	return chat[0];
}

static int
task_pipe(const struct pam_chat_task *task)
{
	int	fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	n = write(fds[1], task, sizeof(*task));
	close(fds[1]);
	if (n == (ssize_t)sizeof(*task))
		return fds[0];
	close(fds[0]);
	return -EIO;
}

static void
end(struct pam_slot *slot)
{
	ev_child_stop(slot->pam->loop, &slot->child);
	ev_timer_stop(slot->pam->loop, &slot->timer);
	close(slot->chat_fd);
	slot->used = false;
}

static void
on_exit_of(struct ev_loop *loop, struct ev_child *w, int what)
{
	struct pam_slot *slot = w->data;

	/* Kills what a module has left running. */
	kill(-w->rpid, SIGKILL);
	if (WIFSIGNALED(w->rstatus) && WTERMSIG(w->rstatus) != SIGKILL)
		log_warnx("PAM: a helper died by signal %d",
		    WTERMSIG(w->rstatus));
	end(slot);
}

/* A hanging module does not notice that the site has disconnected; we do. */
static void
on_look(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct pam_slot *slot = w->data;
	struct pollfd	 pfd = { .fd = slot->chat_fd };
	bool		 late = mono_is_due(slot->end, mono_now());

	if (!late && (poll(&pfd, 1, 0) <= 0 || (pfd.revents & POLLHUP) == 0))
		return;
	if (late)
		log_warnx("PAM: no answer after %d s; the helper is killed",
		    PAM_CHAT_SEC);
	kill_tree(slot->child.pid, 0);
}

/*
 * Modules may start programs in sessions of their own, so the children are
 * killed first.
 */
static void
kill_tree(pid_t pid, unsigned depth)
{
	char  path[64];
	FILE *list;
	long  child;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid,
	    (long)pid);
	list = depth < MAX_DEPTH ? fopen(path, "re") : NULL;
	while (list != NULL && fscanf(list, "%ld", &child) == 1) {
		if (child > 1)
			kill_tree((pid_t)child, depth + 1);
	}
	if (list != NULL)
		fclose(list);
	kill(pid, SIGKILL);
}
