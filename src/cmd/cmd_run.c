/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_run: the daemon, in the foreground or behind a terminal that waits until
 * it is up.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "cmd/options.h"
#include "conf/conf.h"
#include "monitor/logpipe.h"
#include "monitor/monitor.h"

#define BRIDGE_NF "/proc/sys/net/bridge/bridge-nf-call-iptables"

struct run_options {
	const char *config;
	bool	    foreground, sweep;
	int	    log_level; /* -1: the configuration's */
};

static int   parse(struct run_options *options, int argc, char **argv);
static char *absolute(const char *path);
static bool  has_rights(void);
static void  warn_of_bridge_nf(const struct conf *conf);
static int   run_behind(struct conf *conf, const char *path, int log_level);
static int   wait_until_up(int fd);
static bool  leave_terminal(void);

static const struct options_spec spec = {
	.command = "run",
	.synopsis = "[-c FILE] [--foreground] [--sweep]\n"
		    "           [--log-level error|warn|info|debug]",
	.help = "Runs the daemon: server or client, as the configuration says. "
		"Without --foreground\nit goes to the background as soon as "
		"it is up, and its log to syslog.  --sweep only\nundoes what "
		"one that was killed has left on this host.",
};

int
cmd_run(int argc, char **argv)
{
	struct run_options options;
	struct conf	  *conf;
	char		  *path;
	int		   status = parse(&options, argc, argv);

	if (status != OPTIONS_GO_ON)
		return status;
	path = absolute(options.config);
	if (path == NULL) {
		log_warn("%s", options.config);
		return 1;
	}
	conf = options_load_conf(path);
	if (conf == NULL || !has_rights()) {
		status = 1;
		conf_free(conf);
	} else if (options.sweep) {
		status = monitor_sweep(conf);
		conf_free(conf);
	} else {
		warn_of_bridge_nf(conf);
		status = options.foreground ?
		    monitor_run(conf, path, options.log_level, -1) :
		    run_behind(conf, path, options.log_level);
	}
	free(path);
	return status;
}

static int
parse(struct run_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "sweep", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	enum log_level level;
	int	       c;

	*options = (struct run_options) {
		.config = CONF_DIR "/" CONF_FILE,
		.log_level = -1,
	};
	opterr = 0;
	while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'l':
			if (!log_level_parse(&level, optarg))
				return options_wrong(&spec,
				    "--log-level %s: expected error, warn, "
				    "info or debug", optarg);
			options->log_level = (int)level;
			break;
		case 's':
			options->sweep = true;
			break;
		case 'h':
			printf("usage: tombolo %s %s\n\n%s\n", spec.command,
			    spec.synopsis, spec.help);
			return 0;
		default:
			return options_wrong(&spec, "%s is no option, or "
			    "misses its value", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return options_wrong(&spec, "%s: too much", argv[optind]);
	return OPTIONS_GO_ON;
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

	if (conf->mode != CONF_TAP || conf->bridge[0] == '\0')
		return;
	/* It is not there before br_netfilter is. */
	if (file_read(BRIDGE_NF, 16, &text, &len) < 0)
		return;
	if (text[0] == '1')
		log_warnx("bridge %s: iptables' rules (of Docker, ufw, "
			  "firewalld) may drop what it carries; mend with: "
			  "sysctl net.bridge.bridge-nf-call-iptables=0",
		    conf->bridge);
	free(text);
}

/*
 *   parent:  waits for a byte, exits 0; for the end of the pipe, exits 1
 *   daemon:  monitor --ready--> logpipe --up--> parent
 */
static int
run_behind(struct conf *conf, const char *path, int log_level)
{
	int		ready[2], up[2], status;
	struct logpipe *logpipe;
	pid_t		pid;

	if (pipe2(up, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_warn("run");
		conf_free(conf);
		return 1;
	}
	if (pid > 0) {
		conf_free(conf);
		close(up[1]);
		status = wait_until_up(up[0]);
		close(up[0]);
		return status;
	}
	close(up[0]);
	if (!leave_terminal() || pipe2(ready, O_CLOEXEC) == -1) {
		log_warn("run: cannot go to the background");
		conf_free(conf);
		close(up[1]);
		return 1;
	}
	logpipe = logpipe_new(ready[0], up[1]);
	if (logpipe == NULL) {
		log_warn("run: cannot carry the log");
		conf_free(conf);
		close(ready[1]);
		return 1;
	}
	status = monitor_run(conf, path, log_level, ready[1]);
	logpipe_free(logpipe);
	return status;
}

static int
wait_until_up(int fd)
{
	char	byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n == -1 && errno == EINTR);
	return n == 1 ? 0 : 1;
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
