/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_run: runs the daemon in the foreground, or in the background once it is
 * up.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "cmd/util/options.h"
#include "cmd/util/wait.h"
#include "conf/conf.h"
#include "conf/conf_words.h"
#include "monitor/logpipe.h"
#include "monitor/monitor.h"
#include "monitor/state/pidfile.h"
#include "proc/proc.h"

#define BRIDGE_NF "/proc/sys/net/bridge/bridge-nf-call-iptables"

static int   run(const struct options *options, int log_level);
static char *absolute(const char *path);
static bool  has_rights(void);
static void  warn_of_bridge_nf(const struct conf *conf);
static int   sweep(const struct options *options);
static int   run_behind(struct conf *conf, const char *path, int log_level,
      int seconds);
static bool  is_started(int fd);
static int   wait_for_tunnel(const char *socket, pid_t pid, int seconds);
static bool  leave_terminal(void);

static const struct options_spec spec = {
	.command = "run",
	.synopsis = "[-c FILE | --dir D] [--foreground | --wait[=SECONDS]]\n"
		    "           [--log-level error|warn|info|debug]\n"
		    "       tombolo run --sweep [-c FILE | --dir D | "
		    "--socket PATH]",
	.help = "Runs the daemon: hub or site, as the configuration says. "
		"Without --foreground\nit goes to the background as soon as "
		"it is up, and its log to syslog.",
	.takes = OPTION_WHERE | OPTION_SOCKET | OPTION_FOREGROUND |
	    OPTION_WAIT_OR | OPTION_SWEEP | OPTION_LOG_LEVEL,
};

int
cmd_run(int argc, char **argv)
{
	struct options options;
	unsigned       level = 0;
	char	       list[CONF_WHY_SIZE];
	int	       status = options_parse(&options, &spec, argc, argv);

	if (status != OPTIONS_GO_ON)
		return status;
	if (options.log_level != NULL &&
	    !words_find(&conf_words_level, options.log_level, &level))
		return options_wrong(&spec, "--log-level %s: expected %s",
		    options.log_level, words_print(&conf_words_level, list,
		    sizeof(list)));
	if (options.socket != NULL && !options.sweep)
		return options_wrong(&spec, "--socket needs --sweep; set "
		    "`socket` in the configuration");
	if (options.wait != NULL && (options.foreground || options.sweep))
		return options_wrong(&spec, "--wait cannot be used with "
		    "--foreground or --sweep");
	return options.sweep ? sweep(&options) : run(&options,
	    options.log_level != NULL ? (int)level : -1);
}

static int
run(const struct options *options, int log_level)
{
	const struct monitor_starter nobody = { -1, -1 };
	AUTO_FREE char *config = options_config(options);
	AUTO_FREE char *path = absolute(config);
	struct conf    *conf;

	if (path == NULL) {
		log_warn("run");
		return 1;
	}
	conf = options_load(path, CONF_LOAD_LIVE);
	for (size_t i = 0; conf != NULL && i < conf->faults.n; i++)
		log_warnx("%s", conf->faults.v[i]);
	if (conf == NULL || !has_rights()) {
		conf_free(conf);
		return 1;
	}
	warn_of_bridge_nf(conf);
	return options->foreground ?
	    monitor_run(conf, path, log_level, &nobody) :
	    run_behind(conf, path, log_level, options->seconds);
}

static int
sweep(const struct options *options)
{
	AUTO_FREE char *socket = has_rights() ? options_socket(options) : NULL;
	AUTO_FREE char *owner = socket != NULL ? options_owner(options) : NULL;
	bool		left;
	int		status;

	if (socket == NULL)
		return 1;
	left = pidfile_is_left(socket);
	status = monitor_sweep(socket, owner);
	if (status == 0 && !left)
		printf("nothing to undo at %s\n", socket);
	return status;
}

/*
 * The daemon changes its directory and reads the file again later.  Symbolic
 * links are not resolved: files beside it are looked up where the user said.
 */
static char *
absolute(const char *path)
{
	AUTO_FREE char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);

	if (path[0] == '/')
		return strdup(path);
	return cwd != NULL ? file_join(cwd, path) : NULL;
}

static bool
has_rights(void)
{
	static const struct {
		unsigned    cap;
		const char *name;
	} needed[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
		{ CAP_SETUID, "CAP_SETUID" },
		{ CAP_SETGID, "CAP_SETGID" },
	};

	for (size_t i = 0; i < nitems(needed); i++) {
		if (proc_may(needed[i].cap))
			continue;
		/*
		 * Without root only CAP_NET_ADMIN is needed: children run as
		 * the same user.
		 */
		if (geteuid() != 0 && needed[i].cap != CAP_NET_ADMIN)
			continue;
		log_warnx("run: must be started as root: %s is missing; it is "
			  "needed to create network devices and confined "
			  "processes", needed[i].name);
		return false;
	}
	return true;
}

/* A common problem: Docker's FORWARD policy drops bridged frames. */
static void
warn_of_bridge_nf(const struct conf *conf)
{
	AUTO_FREE char *text = NULL;
	size_t		len;

	if (conf->mode != CONF_TAP || conf->bridge[0] == '\0' ||
	    (!conf->create_bridge && if_nametoindex(conf->bridge) == 0))
		return;
	/* It exists only if br_netfilter is loaded. */
	if (file_read(BRIDGE_NF, 16, &text, &len) < 0)
		return;
	if (text[0] == '1')
		log_warnx("bridge %s: iptables rules (of Docker, ufw, "
			  "firewalld) may drop its frames; fix with: sysctl "
			  "net.bridge.bridge-nf-call-iptables=0", conf->bridge);
}

/*
 *   parent:  waits for a byte; at the end of the pipe, exits 1
 *   daemon:  monitor --ready--> logpipe --up--> parent --leash--> monitor
 */
static int
run_behind(struct conf *conf, const char *path, int log_level, int seconds)
{
	int		ready[2], up[2], leash[2], status = 1;
	struct logpipe *logpipe;
	pid_t		pid;

	if (pipe2(up, O_CLOEXEC) == -1 || pipe2(leash, O_CLOEXEC) == -1 ||
	    (pid = fork()) == -1) {
		log_warn("run");
		conf_free(conf);
		return 1;
	}
	if (pid > 0) {
		close(up[1]);
		close(leash[0]);
		if (is_started(up[0]))
			status = wait_for_tunnel(conf->socket, pid, seconds);
		if (status == 0 && access("/dev/log", F_OK) == -1)
			log_warnx("run: /dev/log is missing, so the log is lost: "
				  "start a syslog daemon, or use --foreground");
		/*
		 * If there is no reader, the daemon has ended and logged why.
		 */
		signal(SIGPIPE, SIG_IGN);
		if (write(leash[1], "", 1) == -1)
			status = 1;
		conf_free(conf);
		return status;
	}
	close(up[0]);
	close(leash[1]);
	if (!leave_terminal() || pipe2(ready, O_CLOEXEC) == -1) {
		log_warn("run: cannot go to the background");
		conf_free(conf);
		return 1;
	}
	logpipe = logpipe_new(ready[0], up[1]);
	if (logpipe == NULL) {
		log_warn("run: cannot forward the log");
		conf_free(conf);
		return 1;
	}
	status = monitor_run(conf, path, log_level,
	    &(struct monitor_starter) { ready[1], leash[0] });
	logpipe_free(logpipe);
	return status;
}

static bool
is_started(int fd)
{
	char	byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n == -1 && errno == EINTR);
	return n == 1;
}

/* Its log goes to syslog from now on.  `seconds` -1: do not wait. */
static int
wait_for_tunnel(const char *socket, pid_t pid, int seconds)
{
	if (seconds < 0 || wait_until_up(socket, (unsigned)seconds, pid))
		return 0;
	log_warnx("run: the tunnel is not up after %d s; the daemon keeps "
		  "trying; see tombolo status", seconds);
	return 1;
}

/* logpipe keeps stderr until the daemon is up. */
static bool
leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool ok;

	if (null == -1)
		return false;
	ok = setsid() != -1 && chdir("/") != -1 &&
	    dup2(null, STDIN_FILENO) != -1 && dup2(null, STDOUT_FILENO) != -1;
	if (null > STDERR_FILENO)
		close(null);
	return ok;
}
