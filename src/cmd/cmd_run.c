/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_run: the daemon, in the foreground or behind a terminal that waits until
 * it is up.
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
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "cmd/util/options.h"
#include "cmd/util/wait.h"
#include "conf/conf.h"
#include "monitor/logpipe.h"
#include "monitor/monitor.h"
#include "monitor/state/pidfile.h"

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
	.help = "Runs the daemon: server or client, as the configuration says. "
		"Without --foreground\nit goes to the background as soon as "
		"it is up, and its log to syslog.",
	.takes = OPTION_WHERE | OPTION_SOCKET | OPTION_FOREGROUND |
	    OPTION_WAIT_OR | OPTION_SWEEP | OPTION_LOG_LEVEL,
};

int
cmd_run(int argc, char **argv)
{
	struct options options;
	enum log_level level;
	int	       log_level = -1;
	int	       status = options_parse(&options, &spec, argc, argv);

	if (status != OPTIONS_GO_ON)
		return status;
	if (options.log_level != NULL &&
	    !log_level_parse(&level, options.log_level))
		return options_wrong(&spec, "--log-level %s: expected error, "
		    "warn, info or debug", options.log_level);
	if (options.log_level != NULL)
		log_level = (int)level;
	if (options.socket != NULL && !options.sweep)
		return options_wrong(&spec, "--socket goes with --sweep; set "
		    "`socket` in the configuration");
	if (options.wait != NULL && (options.foreground || options.sweep))
		return options_wrong(&spec, "--wait goes without --foreground "
		    "and --sweep");
	return options.sweep ? sweep(&options) : run(&options, log_level);
}

static int
run(const struct options *options, int log_level)
{
	const struct monitor_starter nobody = { -1, -1 };
	char	    *config = options_config(options);
	char	    *path = config != NULL ? absolute(config) : NULL;
	struct conf *conf = path != NULL ? options_load(path, conf_load_live) : NULL;
	int	     status = 1;

	if (path == NULL)
		log_warn("run");
	for (size_t i = 0; conf != NULL && i < conf->faults.n; i++)
		log_warnx("%s", conf->faults.v[i]);
	if (conf != NULL && !has_rights()) {
		conf_free(conf);
	} else if (conf != NULL) {
		warn_of_bridge_nf(conf);
		status = options->foreground ?
		    monitor_run(conf, path, log_level, &nobody) :
		    run_behind(conf, path, log_level, options->seconds);
	}
	free(path);
	free(config);
	return status;
}

static int
sweep(const struct options *options)
{
	char *socket = has_rights() ? options_socket(options) : NULL;
	char *owner = socket != NULL ? options_owner(options) : NULL;
	bool  left = socket != NULL && pidfile_is_left(socket);
	int   status = socket != NULL ? monitor_sweep(socket, owner) : 1;

	if (status == 0 && !left)
		printf("nothing to undo at %s\n", socket);
	free(owner);
	free(socket);
	return status;
}

/*
 * The daemon changes its directory and reads the file again later.  No link is
 * resolved: what lies beside the file is looked for where the user said.
 */
static char *
absolute(const char *path)
{
	char *cwd, *joined;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return NULL;
	joined = file_join(cwd, path);
	free(cwd);
	return joined;
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
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) == -1) {
		log_warn("capabilities");
		return false;
	}
	for (size_t i = 0; i < nitems(needed); i++) {
		if ((data[needed[i].cap / 32].effective &
			1u << needed[i].cap % 32) != 0)
			continue;
		/* A process that is not root starts its children as itself. */
		if (geteuid() != 0 && needed[i].cap != CAP_NET_ADMIN)
			continue;
		log_warnx("run: must be started as root: it has not the right "
			  "%s, which makes network devices and confined "
			  "processes", needed[i].name);
		return false;
	}
	return true;
}

/* The first week's complaint: Docker's FORWARD policy eats bridged frames. */
static void
warn_of_bridge_nf(const struct conf *conf)
{
	char  *text;
	size_t len;

	if (conf->mode != CONF_TAP || conf->bridge[0] == '\0' ||
	    (!conf->create_bridge && if_nametoindex(conf->bridge) == 0))
		return;
	/* It is not there before br_netfilter is. */
	if (file_read(BRIDGE_NF, 16, &text, &len) < 0)
		return;
	if (text[0] == '1')
		log_warnx("bridge %s: iptables' rules (of Docker, ufw, "
			  "firewalld) may drop what it carries; fix with: "
			  "sysctl net.bridge.bridge-nf-call-iptables=0",
		    conf->bridge);
	free(text);
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
		/* If nothing reads it, the daemon has ended, and said why. */
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
		log_warn("run: cannot carry the log");
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

/* Its log goes to syslog by now.  `seconds` -1: nobody wants to wait. */
static int
wait_for_tunnel(const char *socket, pid_t pid, int seconds)
{
	if (seconds < 0 || wait_until_up(socket, (unsigned)seconds, pid))
		return 0;
	log_warnx("run: the tunnel is not up after %d s; the daemon goes on "
		  "trying, tombolo status says why", seconds);
	return 1;
}

/* stderr stays until the daemon is up: logpipe sees to it. */
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
