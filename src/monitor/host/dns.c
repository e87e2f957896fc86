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

/* One program to run; lists are bounded, so there is room. */
struct command {
	char args[TEXT_SIZE];  /* its path and what follows, a line each */
	char input[TEXT_SIZE]; /* less than a pipe takes at once */
};

struct dns {
	struct ev_loop *loop;
	struct ev_child child;
	struct ev_timer timer;
	struct journal *journal;
	char		device[16];
	char		record[DNS_RECORD_SIZE];
	const struct tool *tool; /* that has the list in force, or NULL */
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
static void finish(struct dns *dns);
static void become(struct dns *dns, enum request_dns state);
static int  make_command(struct dns *dns);
static void print_resolvectl(const struct dns *dns, FILE *args, FILE *input);
static void print_resolvconf(const struct dns *dns, FILE *args, FILE *input);
static pid_t run(struct command *command);
static void exec_command(struct command *command, int input)
    __attribute__((__noreturn__));
static int  input_pipe(const struct command *command);
static void on_child(struct ev_loop *loop, struct ev_child *w, int what);
static void on_late(struct ev_loop *loop, struct ev_timer *w, int what);
static void end_child(struct dns *dns);
static bool is_same(const struct dns_list *a, const struct dns_list *b);

/*
 * In order of preference.  The resolvconf of systemd would work with
 * systemd-resolved, too, but it cannot limit the servers to certain domains.
 */
static const struct tool {
	const char	*name, *needs;
	enum request_dns state;
	bool		 stays; /* what it was told, when the device is gone */
	unsigned	 steps; /* to set a list; to unset it takes one */
	/* Arguments, each after a newline. */
	void (*print)(const struct dns *dns, FILE *args, FILE *input);
} tools[] = {
	{ "resolvectl", "/run/systemd/resolve", REQUEST_DNS_RESOLVECTL, false,
	    3, print_resolvectl },
	{ "resolvconf", "/", REQUEST_DNS_RESOLVCONF, true, 1, print_resolvconf },
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
	if (list->nservers == 0 && is_same(&dns->wanted, list))
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
	char		path[64];
	pid_t		pid = -1;

	if (command != NULL && find(path, sizeof(path), "resolvconf")) {
		snprintf(command->args, sizeof(command->args),
		    "%s\n-d\n%s\n-f", path, record);
		pid = run(command);
	}
	free(command);
	if (pid < 0)
		log_warnx("DNS: cannot run resolvconf: its record %s stays",
		    record);
	else if (!proc_wait(pid, (int)(RUN_SEC * 1000.))) {
		log_warnx("DNS: resolvconf -d %s hangs; killed", record);
		proc_kill(-pid, pid);
	}
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

	for (size_t i = 0; dns->tool == NULL && i < nitems(tools); i++) {
		if (access(tools[i].needs, F_OK) == 0 &&
		    find(path, sizeof(path), tools[i].name))
			dns->tool = &tools[i];
	}
	if (dns->tool == NULL || !dns->tool->stays || dns->noted)
		return dns->tool != NULL;
	r = journal_resolvconf(dns->journal, dns->record);
	dns->noted = r == 0;
	if (dns->noted)
		return true;
	log_warnx("DNS: cannot write the journal: %s", strerror(-r));
	dns->tool = NULL;
	return false;
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

	log_warnx("DNS: %s%s of the hub not set: this host has neither "
		  "systemd-resolved nor resolvconf (install openresolv); "
		  "/etc/resolv.conf is not changed",
	    addr_print(&dns->now.servers[0], first, sizeof(first)),
	    dns->now.nservers > 1 ? " and others" : "");
}

static void
next(struct dns *dns)
{
	unsigned steps = dns->now.nservers > 0 && dns->tool != NULL ?
	    dns->tool->steps : 1;
	pid_t pid;

	if (dns->tool == NULL || dns->step == steps) {
		finish(dns);
		return;
	}
	pid = make_command(dns);
	if (pid == 0)
		pid = run(&dns->command);
	if (pid < 0) {
		log_warnx("DNS: cannot run %s: %s", dns->tool->name,
		    strerror((int)-pid));
		dns->failed = true;
		finish(dns);
		return;
	}
	dns->running = true;
	ev_child_set(&dns->child, pid, 0);
	ev_child_start(dns->loop, &dns->child);
	ev_now_update(dns->loop);
	ev_timer_set(&dns->timer, RUN_SEC, 0.);
	ev_timer_start(dns->loop, &dns->timer);
}

static void
finish(struct dns *dns)
{
	bool set = dns->now.nservers > 0;

	if (dns->tool != NULL && !dns->failed &&
	    (!set || dns->state != dns->tool->state))
		log_info("DNS: using the servers %s", set ?
			"behind the tunnel" : "configured before");
	become(dns, dns->failed ? REQUEST_DNS_FAILED :
		set		? dns->tool->state :
				  REQUEST_DNS_NONE);
	if (!set)
		dns->tool = NULL;
}

static void
become(struct dns *dns, enum request_dns state)
{
	if (dns->state == state)
		return;
	dns->state = state;
	dns->on_state(dns->arg);
}

/* 0 or a negative errno value. */
static int
make_command(struct dns *dns)
{
	struct command *command = &dns->command;
	FILE *args = fmemopen(command->args, sizeof(command->args), "w");
	FILE *input = fmemopen(command->input, sizeof(command->input), "w");
	char  path[64];
	int   r = args != NULL && input != NULL ? 0 : -ENOMEM;

	if (r == 0 && !find(path, sizeof(path), dns->tool->name))
		r = -ENOENT;
	command->input[0] = '\0';
	if (r == 0) {
		fputs(path, args);
		dns->tool->print(dns, args, input);
	}
	if (args != NULL)
		fclose(args);
	if (input != NULL)
		fclose(input);
	return r;
}

static void
print_resolvectl(const struct dns *dns, FILE *args, FILE *input)
{
	static const char *const verbs[] = { "dns", "domain", "default-route" };
	const struct dns_list	*list = &dns->now;
	char			 text[ADDR_STRLEN];

	fprintf(args, "\n%s\n%s",
	    list->nservers > 0 ? verbs[dns->step] : "revert", dns->device);
	if (list->nservers == 0)
		return;
	for (size_t i = 0; dns->step == 0 && i < list->nservers; i++)
		fprintf(args, "\n%s",
		    addr_print(&list->servers[i], text, sizeof(text)));
	for (size_t i = 0; dns->step == 1 && i < list->ndomains; i++)
		fprintf(args, "\n%s", list->domains[i]);
	/* "~.": every name is asked here, whatever other links have. */
	if (dns->step == 1 && (list->all || list->ndomains == 0))
		fputs(list->all ? "\n~." : "\n", args);
	if (dns->step == 2)
		fputs(list->all ? "\nyes" : "\nno", args);
}

/* -m 0 -x: before all others, and instead of them. */
static void
print_resolvconf(const struct dns *dns, FILE *args, FILE *input)
{
	const struct dns_list *list = &dns->now;
	char		       text[ADDR_STRLEN];

	fprintf(args, list->nservers > 0 ? "\n-a\n%s" : "\n-d\n%s\n-f",
	    dns->record);
	if (list->nservers > 0 && list->all)
		fputs("\n-m\n0\n-x", args);
	for (size_t i = 0; i < list->nservers; i++)
		fprintf(input, "nameserver %s\n",
		    addr_print(&list->servers[i], text, sizeof(text)));
	for (size_t i = 0; i < list->ndomains; i++)
		fprintf(input, "%s%s", i == 0 ? "search " : " ",
		    list->domains[i]);
	if (list->ndomains > 0)
		fputc('\n', input);
}

/* -------------------------------------------------------- the programs */

/* Its pid, or a negative errno value. */
static pid_t
run(struct command *command)
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
	size_t	len = strlen(command->input);
	int	fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	n = write(fds[1], command->input, len);
	close(fds[1]);
	if (n == (ssize_t)len)
		return fds[0];
	close(fds[0]);
	return -EIO;
}

static void
exec_command(struct command *command, int input)
{
	char *const env[] = { (char[]) { "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
		(char[]) { "LC_ALL=C" }, NULL };
	char	*argv[MAX_ARGS + 1] = { 0 }, *rest = command->args;
	sigset_t none;

	for (size_t n = 0; n < MAX_ARGS && rest != NULL; n++)
		argv[n] = strsep(&rest, "\n");
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
	execve(argv[0], argv, env);
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
		for (char *p = dns->command.args; *p != '\0'; p++)
			*p = *p == '\n' ? ' ' : *p;
		log_warnx("DNS: %s: %s %d", dns->command.args,
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

	log_warnx("DNS: %s hangs; killed after %.0f s",
	    dns->tool->name, RUN_SEC);
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
