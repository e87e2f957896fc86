/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *            begin()            run()           on_child()
 *   idle ------------> step 0 --------> waiting ----------> step 1 ... idle
 *                        ^                        dirty |
 *                        '------------------------------'
 */
#include "monitor/host/dns.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>
#include <bsd/unistd.h>

#include "base/log.h"
#include "base/nitems.h"
#include "proc/proc.h"
#include "monitor/host/journal.h"

#define RUN_SEC	  10.
#define MAX_ARGS  (4 + CONF_MAX_DNS + CONF_MAX_DOMAINS)
#define TEXT_SIZE (CONF_MAX_DNS * ADDR_STRLEN + CONF_MAX_DOMAINS * 256 + 512)
#define ORDER	  "/etc/resolvconf/interface-order" /* Debian's own one */
#define RESOLVED  "/run/systemd/resolve"

enum tool { TOOL_NONE, TOOL_RESOLVECTL, TOOL_RESOLVCONF };

/* One program to run. */
struct command {
	char  path[64];
	char *argv[MAX_ARGS + 1]; /* literals, and what is in `text` */
	int   argc;
	char  text[TEXT_SIZE];
	size_t used;
	char  input[TEXT_SIZE]; /* less than a pipe takes at once */
	size_t input_len;
};

struct dns {
	struct ev_loop *loop;
	struct ev_child child;
	struct ev_timer timer;
	struct journal *journal;
	char		device[16];
	char		record[DNS_RECORD_SIZE];
	enum tool	tool; /* that has the list in force */
	bool		noted; /* in the journal */
	bool		running, dirty, failed;
	enum request_dns state;
	void (*on_state)(void *arg);
	void *arg;
	unsigned	step;
	struct dns_list wanted, now; /* `now` is what the steps are of */
	struct command	command;
};

static void begin(struct dns *dns);
static bool choose_tool(struct dns *dns);
static bool find(char *path, size_t size, const char *name);
static void say_not_set(const struct dns *dns);
static void next(struct dns *dns);
static enum request_dns what_became(const struct dns *dns);
static void become(struct dns *dns, enum request_dns state);
static bool make_command(struct dns *dns);
static bool make_resolvectl(struct dns *dns);
static bool make_resolvconf(struct dns *dns);
static bool start_command(struct command *command, enum tool tool);
static void add_arg(struct command *command, const char *arg);
static pid_t run(const struct command *command);
static void exec_command(const struct command *command, int input)
    __attribute__((__noreturn__));
static int  input_pipe(const struct command *command);
static void on_child(struct ev_loop *loop, struct ev_child *w, int what);
static void on_late(struct ev_loop *loop, struct ev_timer *w, int what);
static void end_child(struct dns *dns);
static bool is_same(const struct dns_list *a, const struct dns_list *b);

static const char *const tools[] = {
	[TOOL_RESOLVECTL] = "resolvectl",
	[TOOL_RESOLVCONF] = "resolvconf",
};

struct dns *
dns_new(struct journal *journal, const char *device,
    void (*on_state)(void *arg), void *arg)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (dns == NULL)
		return NULL;
	dns->loop = ev_default_loop(EVFLAG_AUTO);
	if (dns->loop == NULL) {
		free(dns);
		return NULL;
	}
	dns->journal = journal;
	dns->on_state = on_state;
	dns->arg = arg;
	strlcpy(dns->device, device, sizeof(dns->device));
	/* Debian's resolvconf sorts by name: one like this comes first. */
	snprintf(dns->record, sizeof(dns->record), "%s%s",
	    access(ORDER, F_OK) == 0 ? "tun." : "", device);
	ev_child_init(&dns->child, on_child, 0, 0);
	ev_timer_init(&dns->timer, on_late, RUN_SEC, 0.);
	dns->child.data = dns->timer.data = dns;
	return dns;
}

void
dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	if (dns->running) {
		proc_kill(-dns->child.pid, dns->child.pid);
		end_child(dns);
	}
	free(dns);
}

void
dns_set(struct dns *dns, const struct dns_list *list)
{
	if (is_same(&dns->wanted, list))
		return;
	dns->wanted = *list;
	if (dns->running)
		dns->dirty = true;
	else
		begin(dns);
}

void
dns_unset(struct dns *dns)
{
	static const struct dns_list none;

	dns_set(dns, &none);
}

enum request_dns
dns_state(const struct dns *dns)
{
	return dns->state;
}

bool
dns_is_record(const char *record)
{
	size_t len = strlen(record);

	return len > 0 && len < DNS_RECORD_SIZE && record[0] != '-' &&
	    record[0] != '.' &&
	    strspn(record, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "0123456789._-") == len;
}

void
dns_remove_record(const char *record)
{
	struct command *command = calloc(1, sizeof(*command));
	pid_t		pid = -1;

	if (command != NULL && start_command(command, TOOL_RESOLVCONF)) {
		add_arg(command, "-d");
		add_arg(command, record);
		add_arg(command, "-f");
		pid = run(command);
	}
	if (pid < 0)
		log_warnx("DNS: resolvconf cannot be run: its record %s stays",
		    record);
	else if (!proc_wait(pid, (int)(RUN_SEC * 1000.))) {
		log_warnx("DNS: resolvconf -d %s does not end, killed", record);
		proc_kill(-pid, pid);
	}
	free(command);
}

/* --------------------------------------------------------------- steps */

static void
begin(struct dns *dns)
{
	dns->dirty = dns->failed = false;
	dns->now = dns->wanted;
	dns->step = 0;
	if (dns->now.nservers > 0 && !choose_tool(dns)) {
		say_not_set(dns);
		become(dns, REQUEST_DNS_NO_TOOL);
		return;
	}
	next(dns);
}

/* Once one was told, it is the one to be told otherwise. */
static bool
choose_tool(struct dns *dns)
{
	char path[64];
	int  r;

	if (dns->tool == TOOL_NONE && access(RESOLVED, F_OK) == 0 &&
	    find(path, sizeof(path), tools[TOOL_RESOLVECTL]))
		dns->tool = TOOL_RESOLVECTL;
	else if (dns->tool == TOOL_NONE &&
	    find(path, sizeof(path), tools[TOOL_RESOLVCONF]))
		dns->tool = TOOL_RESOLVCONF;
	if (dns->tool != TOOL_RESOLVCONF || dns->noted)
		return dns->tool != TOOL_NONE;
	r = journal_resolvconf(dns->journal, dns->record);
	if (r < 0) {
		log_warnx("DNS: the journal cannot be written: %s",
		    strerror(-r));
		dns->tool = TOOL_NONE;
		return false;
	}
	dns->noted = true;
	return true;
}

static bool
find(char *path, size_t size, const char *name)
{
	static const char *const dirs[] = { "/usr/sbin", "/usr/bin", "/sbin",
		"/bin", "/usr/local/sbin" };

	for (size_t i = 0; i < nitems(dirs); i++) {
		snprintf(path, size, "%s/%s", dirs[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static void
say_not_set(const struct dns *dns)
{
	char first[ADDR_STRLEN];

	log_warnx("DNS: %s%s of the server not set: this host has neither "
		  "systemd-resolved nor resolvconf (install openresolv), and "
		  "/etc/resolv.conf is left alone",
	    addr_print(&dns->now.servers[0], first, sizeof(first)),
	    dns->now.nservers > 1 ? " and others" : "");
}

static void
next(struct dns *dns)
{
	pid_t pid;

	if (dns->tool == TOOL_NONE) {
		become(dns, REQUEST_DNS_NONE);
		return;
	}
	if (!make_command(dns)) {
		if (!dns->failed)
			log_info("DNS: the servers %s are used",
			    dns->now.nservers > 0 ? "behind the tunnel" :
						    "of before");
		become(dns, what_became(dns));
		if (dns->now.nservers == 0)
			dns->tool = TOOL_NONE;
		return;
	}
	pid = run(&dns->command);
	if (pid < 0) {
		log_warnx("DNS: %s cannot be run: %s", dns->command.path,
		    strerror((int)-pid));
		become(dns, REQUEST_DNS_FAILED);
		return;
	}
	dns->running = true;
	ev_child_set(&dns->child, pid, 0);
	ev_child_start(dns->loop, &dns->child);
	ev_now_update(dns->loop);
	ev_timer_set(&dns->timer, RUN_SEC, 0.);
	ev_timer_start(dns->loop, &dns->timer);
}

static enum request_dns
what_became(const struct dns *dns)
{
	if (dns->failed)
		return REQUEST_DNS_FAILED;
	if (dns->now.nservers == 0)
		return REQUEST_DNS_NONE;
	return dns->tool == TOOL_RESOLVECTL ? REQUEST_DNS_RESOLVECTL :
					      REQUEST_DNS_RESOLVCONF;
}

static void
become(struct dns *dns, enum request_dns state)
{
	if (dns->state == state)
		return;
	dns->state = state;
	dns->on_state(dns->arg);
}

/* False when there is no further step. */
static bool
make_command(struct dns *dns)
{
	if (!start_command(&dns->command, dns->tool)) {
		dns->failed = true;
		log_warnx("DNS: %s is gone", tools[dns->tool]);
		return false;
	}
	return dns->tool == TOOL_RESOLVECTL ? make_resolvectl(dns) :
					      make_resolvconf(dns);
}

static bool
make_resolvectl(struct dns *dns)
{
	static const char *const verbs[] = { "dns", "domain", "default-route" };
	const struct dns_list	*list = &dns->now;
	struct command		*command = &dns->command;
	char			 text[ADDR_STRLEN];

	if (dns->step >= (list->nservers > 0 ? nitems(verbs) : 1))
		return false;
	add_arg(command, list->nservers > 0 ? verbs[dns->step] : "revert");
	add_arg(command, dns->device);
	if (list->nservers == 0)
		return true;
	for (size_t i = 0; dns->step == 0 && i < list->nservers; i++)
		add_arg(command,
		    addr_print(&list->servers[i], text, sizeof(text)));
	for (size_t i = 0; dns->step == 1 && i < list->ndomains; i++)
		add_arg(command, list->domains[i]);
	/* "~.": every name is asked here, whatever other links have. */
	if (dns->step == 1 && (list->all || list->ndomains == 0))
		add_arg(command, list->all ? "~." : "");
	if (dns->step == 2)
		add_arg(command, list->all ? "yes" : "no");
	return true;
}

/* -m 0 -x: before all others, and instead of them. */
static bool
make_resolvconf(struct dns *dns)
{
	const struct dns_list *list = &dns->now;
	struct command	      *command = &dns->command;
	char		       text[ADDR_STRLEN];
	FILE		      *out;

	if (dns->step > 0)
		return false;
	add_arg(command, list->nservers > 0 ? "-a" : "-d");
	add_arg(command, dns->record);
	if (list->nservers == 0) {
		add_arg(command, "-f");
		return true;
	}
	if (list->all) {
		add_arg(command, "-m");
		add_arg(command, "0");
		add_arg(command, "-x");
	}
	out = fmemopen(command->input, sizeof(command->input), "w");
	if (out == NULL)
		return false;
	for (size_t i = 0; i < list->nservers; i++)
		fprintf(out, "nameserver %s\n",
		    addr_print(&list->servers[i], text, sizeof(text)));
	for (size_t i = 0; i < list->ndomains; i++)
		fprintf(out, "%s%s", i == 0 ? "search " : " ",
		    list->domains[i]);
	if (list->ndomains > 0)
		fputc('\n', out);
	fflush(out);
	command->input_len = (size_t)ftell(out);
	fclose(out);
	return true;
}

/* -------------------------------------------------------- the programs */

static bool
start_command(struct command *command, enum tool tool)
{
	command->argc = 0;
	command->used = command->input_len = 0;
	if (!find(command->path, sizeof(command->path), tools[tool]))
		return false;
	add_arg(command, tools[tool]);
	return true;
}

/* Copied; lists are bounded, so there is room. */
static void
add_arg(struct command *command, const char *arg)
{
	size_t size = strlen(arg) + 1;

	if (command->argc == MAX_ARGS ||
	    size > sizeof(command->text) - command->used)
		return;
	memcpy(command->text + command->used, arg, size);
	command->argv[command->argc++] = command->text + command->used;
	command->argv[command->argc] = NULL;
	command->used += size;
}

/* Its pid, or a negative errno value. */
static pid_t
run(const struct command *command)
{
	int   input = input_pipe(command);
	pid_t pid;

	if (input < 0)
		return input;
	pid = fork();
	if (pid == -1)
		pid = -errno;
	if (pid == 0)
		exec_command(command, input);
	close(input);
	/* Here too, so that it is so whoever comes first. */
	if (pid > 0)
		(void)setpgid(pid, pid);
	return pid;
}

static int
input_pipe(const struct command *command)
{
	int	fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	n = write(fds[1], command->input, command->input_len);
	close(fds[1]);
	if (n == (ssize_t)command->input_len)
		return fds[0];
	close(fds[0]);
	return -EIO;
}

static void
exec_command(const struct command *command, int input)
{
	char *const env[] = { (char[]) { "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
		(char[]) { "LC_ALL=C" }, NULL };
	sigset_t none;

	(void)setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	/* What they print goes where they complain. */
	if (dup2(input, 0) == -1 || dup2(2, 1) == -1)
		_exit(126);
	closefrom(3);
	execve(command->path, command->argv, env);
	_exit(127);
}

static void
on_child(struct ev_loop *loop, struct ev_child *w, int what)
{
	struct dns *dns = w->data;
	int	    status = w->rstatus;

	end_child(dns);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		dns->failed = true;
		log_warnx("DNS: %s %s %s: %s %d", dns->command.path,
		    dns->command.argv[1], dns->command.argv[2],
		    WIFEXITED(status) ? "ended with status" :
					"died by signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) :
					WTERMSIG(status));
	}
	if (dns->dirty) {
		begin(dns);
		return;
	}
	dns->step++;
	next(dns);
}

static void
on_late(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct dns *dns = w->data;

	log_warnx("DNS: %s does not end within %.0f s, killed",
	    dns->command.path, RUN_SEC);
	kill(-dns->child.pid, SIGKILL);
}

static void
end_child(struct dns *dns)
{
	ev_child_stop(dns->loop, &dns->child);
	ev_timer_stop(dns->loop, &dns->timer);
	dns->running = false;
}

static bool
is_same(const struct dns_list *a, const struct dns_list *b)
{
	if (a->nservers != b->nservers || a->ndomains != b->ndomains ||
	    (a->nservers > 0 && a->all != b->all))
		return false;
	for (size_t i = 0; i < a->nservers; i++) {
		if (!addr_is_equal(&a->servers[i], &b->servers[i]))
			return false;
	}
	for (size_t i = 0; i < a->ndomains; i++) {
		if (strcmp(a->domains[i], b->domains[i]) != 0)
			return false;
	}
	return true;
}
