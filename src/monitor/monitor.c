/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of a start in order, the event loop, and the same steps in reverse.
 *
 *               steps              READY               SIGTERM
 *    (nothing) -------> STARTING ---------> RUNNING ------------> STOPPING
 *                          |    any child's death, or 30 s           ^
 *                          +---------- (exit status 1) --------------+
 *
 * children.c starts the processes; serve.c serves the engine's requests.
 */
#include "monitor/monitor.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/libutil.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf.h"
#include "conf/conf_socket.h"
#include "monitor/children.h"
#include "monitor/host/journal.h"
#include "monitor/state/keeper_dir.h"
#include "monitor/listeners.h"
#include "monitor/state/file_modes.h"
#include "monitor/serve/certs.h"
#include "monitor/host/netwatch.h"
#include "monitor/host/network.h"
#include "monitor/sd_notify.h"
#include "monitor/reload.h"
#include "monitor/state/pidfile.h"
#include "monitor/state/state_dir.h"
#include "monitor/state/totals_file.h"
#include "monitor/sites_watch.h"
#include "proc/chan.h"
#include "proc/proc.h"

#define READY_SEC 75 /* more than the keeper may take; systemd waits 90 s */

enum state { STARTING, RUNNING, STOPPING };

struct monitor {
	enum state	 state;
	int		 status; /* exit status */
	struct conf	*conf;	 /* owned */
	const char	*path;
	int		 log_level; /* of the command line; -1: conf's */
	struct monitor_starter starter; /* -1: notified, or nobody waits */
	struct ev_io	 leash;
	struct ev_loop	*loop;
	struct ev_signal signals[4];
	struct ev_timer	 ready_timer;

	struct pidfh	   *pidfile;
	struct network	   *network;
	struct sites_watch *watch;
	struct netwatch	   *netwatch;
	struct children	    children;
	struct reload	    reload;
	struct state_dir    state_dir;
	struct totals_file  totals;
	enum reload_scope   scope; /* of what is applied at the next change */
	bool		    taken; /* the result */
	/* For every new engine, as in children.startup; owned. */
	char	       *conf_text;
	struct certs certs;
};

static struct monitor *monitor_new(struct conf *conf, const char *path,
    int log_level, const struct monitor_starter *starter);
static void monitor_free(struct monitor *monitor);

/* The steps of a start; each logs its errors. */
static bool prepare_process(struct monitor *monitor);
static bool lock_pidfile(struct monitor *monitor);
static bool check_directories(struct monitor *monitor);
static bool read_certs(struct monitor *monitor);
static bool make_network(struct monitor *monitor);
static bool listen_all(struct monitor *monitor);
static bool open_keeper_dir(struct monitor *monitor);
static bool watch_sites(struct monitor *monitor);
static bool watch_network(struct monitor *monitor);
static bool start_children(struct monitor *monitor);
static bool give_up_rights(struct monitor *monitor);

static void stop(struct monitor *monitor, int status);
static void take_back(struct monitor *monitor);
static void on_ready(void *arg);
static void on_leash(struct ev_loop *loop, struct ev_io *w, int what);
static void on_death(void *arg);
static void on_signal(struct ev_loop *loop, struct ev_signal *w, int what);
static void on_never_ready(struct ev_loop *loop, struct ev_timer *w, int what);
static bool on_is_file(void *arg, const char *name);
static void on_change(void *arg);
static void on_credentials(void *arg, const char *const *sites, size_t n);
static void on_network_changed(void *arg);
static double on_network_event(void *arg, bool is_local);
static bool on_reload(void *arg, bool all);

static bool (*const start_steps[])(struct monitor *monitor) = {
	prepare_process,
	lock_pidfile,
	check_directories,
	read_certs,
	make_network,
	listen_all,
	open_keeper_dir,
	watch_sites,
	watch_network,
	start_children,
	give_up_rights,
};

int
monitor_run(struct conf *conf, const char *path, int log_level,
    const struct monitor_starter *starter)
{
	struct monitor *monitor = monitor_new(conf, path, log_level, starter);
	size_t		i = 0;
	int		status;

	if (monitor == NULL)
		return 1;
	while (i < nitems(start_steps) && start_steps[i](monitor))
		i++;
	if (i == nitems(start_steps))
		ev_run(monitor->loop, 0);
	sd_notify_send("STOPPING=1");
	take_back(monitor);
	status = monitor->status;
	monitor_free(monitor);
	return status;
}

int
monitor_sweep(const char *socket, const char *config)
{
	char		path[PIDFILE_PATH_SIZE];
	struct pidfh   *pidfile = pidfile_lock(socket, config);
	struct journal *journal;
	struct stat	st;

	if (pidfile == NULL)
		return 1;
	/* journal_open() undoes what is in it. */
	journal = journal_open(pidfile_beside(path, socket, ".journal"));
	if (journal == NULL)
		log_warn("%s", path);
	else
		journal_undo(journal);
	/* It may be any path: --socket is used as given. */
	if (lstat(socket, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(socket);
	pidfile_unlock(pidfile, socket);
	return journal != NULL ? 0 : 1;
}

static struct monitor *
monitor_new(struct conf *conf, const char *path, int log_level,
    const struct monitor_starter *starter)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);

	if (monitor == NULL || loop == NULL) {
		log_warnx("%s", loop != NULL ? "out of memory" :
		    "libev has no usable backend");
		free(monitor);
		conf_free(conf);
		return NULL;
	}
	*monitor = (struct monitor) {
		.state = STARTING,
		.status = 1,
		.conf = conf,
		.path = path,
		.log_level = log_level,
		.starter = *starter,
		.loop = loop,
		.state_dir = { .fd = -1 },
		.totals = { .fd = -1 },
	};
	if (log_level >= 0)
		conf->log_level = (enum log_level)log_level;
	if (starter->leash_fd != -1) {
		ev_io_init(&monitor->leash, on_leash, starter->leash_fd,
		    EV_READ);
		monitor->leash.data = monitor;
		ev_io_start(loop, &monitor->leash);
	}
	children_init(&monitor->children, loop, conf);
	monitor->children.serve.on_reload = on_reload;
	monitor->children.serve.arg = monitor;
	monitor->children.on_ready = on_ready;
	monitor->children.on_death = on_death;
	monitor->children.arg = monitor;
	return monitor;
}

static void
monitor_free(struct monitor *monitor)
{
	ev_loop_destroy(monitor->loop);
	if (monitor->starter.ready_fd != -1)
		close(monitor->starter.ready_fd);
	if (monitor->starter.leash_fd != -1)
		close(monitor->starter.leash_fd);
	free(monitor->conf_text);
	certs_fini(&monitor->certs);
	state_dir_close(&monitor->state_dir);
	conf_free(monitor->conf);
	free(monitor);
}

static bool
prepare_process(struct monitor *monitor)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct rlimit	 nofile;

	/* Log why a start fails at any log level. */
	log_init("monitor", monitor->conf->log_level > LOG_LEVEL_WARN ?
		monitor->conf->log_level : LOG_LEVEL_WARN);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* write() returns an error, too */
	/* The engine has one socket per site, and inherits this limit. */
	if (getrlimit(RLIMIT_NOFILE, &nofile) == 0) {
		nofile.rlim_cur = nofile.rlim_max;
		setrlimit(RLIMIT_NOFILE, &nofile);
	}
	for (size_t i = 0; i < nitems(numbers); i++) {
		struct ev_signal *w = &monitor->signals[i];

		ev_signal_init(w, on_signal, numbers[i]);
		w->data = monitor;
		/* Before a child's death: Ctrl-C reaches the children, too. */
		ev_set_priority(w, EV_MAXPRI);
		ev_signal_start(monitor->loop, w);
	}
	return true;
}

static bool
lock_pidfile(struct monitor *monitor)
{
	char *config = conf_socket_resolve(monitor->path);
	char *left = config == NULL ? NULL :
		     pidfile_elsewhere(monitor->conf->socket, config);

	if (config != NULL)
		monitor->pidfile = pidfile_lock(monitor->conf->socket, config);
	/* Left by a daemon that was killed before `socket` was changed. */
	if (monitor->pidfile != NULL && left != NULL) {
		pidfile_adopt(monitor->conf->socket, left);
		monitor_sweep(left, config);
	}
	free(left);
	free(config);
	if (monitor->pidfile == NULL)
		return false;
	if (pidfile_write(monitor->pidfile) == -1)
		return log_failed("the pid file cannot be written", -errno);
	return true;
}

static bool
check_directories(struct monitor *monitor)
{
	if (!file_modes_are_tight(monitor->conf, monitor->path) ||
	    !state_dir_open(&monitor->state_dir, monitor->conf) ||
	    !totals_file_open(&monitor->totals, monitor->loop,
		monitor->state_dir.path))
		return false;
	monitor->children.startup.totals = monitor->totals.fd;
	return true;
}

static bool
read_certs(struct monitor *monitor)
{
	char why[RELOAD_WHY_SIZE];
	bool ok;

	monitor->children.startup.certs = &monitor->certs;
	certs_init(&monitor->certs, monitor->state_dir.path);
	ok = certs_read(&monitor->certs, monitor->conf, why, sizeof(why));
	if (why[0] != '\0')
		log_warnx("%s", why);
	return ok;
}

static bool
make_network(struct monitor *monitor)
{
	struct startup_send *startup = &monitor->children.startup;
	char		journal[PIDFILE_PATH_SIZE];
	size_t		said = monitor->conf->faults.n;

	reload_note_credentials(monitor->conf);
	for (size_t i = said; i < monitor->conf->faults.n; i++)
		log_warnx("%s", monitor->conf->faults.v[i]);
	if (!reload_print(monitor->conf, &monitor->conf_text,
		&startup->conf_len))
		return false;
	startup->conf = monitor->conf_text;
	/* network_new() has logged why it failed. */
	monitor->network = network_new(monitor->conf,
	    pidfile_beside(journal, monitor->conf->socket, ".journal"));
	if (monitor->network == NULL)
		return false;
	monitor->reload = (struct reload) { .path = monitor->path,
		.log_level = monitor->log_level, .conf = &monitor->conf,
		.text = &monitor->conf_text, .certs = &monitor->certs,
		.network = monitor->network, .children = &monitor->children };
	startup->device = network_device(monitor->network);
	return true;
}

static bool
listen_all(struct monitor *monitor)
{
	return listeners_open(monitor->conf, &monitor->children.startup);
}

static bool
open_keeper_dir(struct monitor *monitor)
{
	struct proc_user user;
	char *path = file_join(monitor->conf->dir, CONF_KEEPER_DIR);
	int   r = path != NULL ? proc_user(PROC_KEEPER, &user) : -ENOMEM;

	if (r < 0) {
		free(path);
		return log_failed("no user for the keeper", r);
	}
	if (user.shared)
		log_warnx("this user namespace has no ids for the keeper and "
			  "the others: all run as user %u, and only seccomp "
			  "and Landlock separate them; map 65536 ids",
		    (unsigned)user.uid);
	if (user.fallback)
		log_info("this host has no users _tombolo-*: unused ids are "
			 "used, the keeper's is %u", (unsigned)user.uid);
	r = keeper_dir_open(path, &user);
	free(path);
	monitor->children.keeper_dir = r < 0 ? -1 : r;
	if (r >= 0)
		r = state_dir_open_keeper(&monitor->state_dir, &user);
	monitor->children.keeper_state = r < 0 ? -1 : r;
	return r >= 0;
}

static bool
watch_sites(struct monitor *monitor)
{
	const struct sites_watch_events events = { .is_file = on_is_file,
		.on_change = on_change, .on_credentials = on_credentials,
		.arg = monitor };

	monitor->watch = sites_watch_new(monitor->loop, monitor->conf->dir,
	    &events);
	/* Without it, changes are applied at the next start. */
	if (monitor->watch == NULL)
		log_warn("%s: cannot watch for changes", monitor->conf->dir);
	return true;
}

/* A hub stays where it is; a site may change its uplink. */
static bool
watch_network(struct monitor *monitor)
{
	monitor->netwatch = netwatch_new(monitor->loop,
	    network_device(monitor->network)->ifindex,
	    monitor->conf->role == CONF_CLIENT ? on_network_changed : NULL,
	    on_network_event, monitor);
	if (monitor->netwatch == NULL)
		log_warn("cannot watch this host's network for changes");
	return true;
}

static bool
start_children(struct monitor *monitor)
{
	ev_timer_init(&monitor->ready_timer, on_never_ready, READY_SEC, 0.);
	monitor->ready_timer.data = monitor;
	/* The loop's time is as old as the loop. */
	ev_now_update(monitor->loop);
	ev_timer_start(monitor->loop, &monitor->ready_timer);
	return children_start(&monitor->children, monitor->network);
}

static bool
give_up_rights(struct monitor *monitor)
{
	bool pam = monitor->conf->role == CONF_SERVER &&
	    (monitor->conf->auths & CONF_AUTH_BIT(CONF_AUTH_PAM)) != 0;
	int  r = proc_keep_few_capabilities(pam);

	return r >= 0 || log_failed("cannot drop capabilities", r);
}

static void
stop(struct monitor *monitor, int status)
{
	bool up = monitor->state == RUNNING;

	if (monitor->state == STOPPING)
		return;
	/* Only whoever stops the daemon may lift the block. */
	if (monitor->network != NULL && (status == 0 || up))
		network_keep_block(monitor->network, status != 0);
	monitor->state = STOPPING;
	monitor->status = status;
	ev_break(monitor->loop, EVBREAK_ALL);
}

/* In reverse order; what was not made is skipped. */
static void
take_back(struct monitor *monitor)
{
	netwatch_free(monitor->netwatch);
	sites_watch_free(monitor->watch);
	children_stop(&monitor->children);
	totals_file_close(&monitor->totals);
	if (monitor->children.keeper_dir != -1)
		close(monitor->children.keeper_dir);
	if (monitor->children.keeper_state != -1)
		close(monitor->children.keeper_state);
	listeners_close(monitor->conf, &monitor->children.startup);
	if (monitor->network != NULL)
		network_free(monitor->network);
	if (monitor->pidfile != NULL)
		pidfile_unlock(monitor->pidfile, monitor->conf->socket);
}

static void
on_ready(void *arg)
{
	struct monitor *monitor = arg;
	char		status[80];

	if (monitor->state != STARTING) {
		log_info("engine: is up again");
		snprintf(status, sizeof(status),
		    "STATUS=up; the engine was restarted %u times",
		    monitor->children.engine.deaths);
		sd_notify_send(status);
		return;
	}
	monitor->state = RUNNING;
	log_set_level(monitor->conf->log_level);
	ev_timer_stop(monitor->loop, &monitor->ready_timer);
	log_info("up: %s, %s device %s",
	    monitor->conf->role == CONF_SERVER ? "hub" :
						 "site",
	    conf_mode_name(monitor->conf->mode),
	    network_device(monitor->network)->name);
	sd_notify_send("READY=1\nSTATUS=up");
	if (monitor->starter.ready_fd == -1)
		return;
	if (write(monitor->starter.ready_fd, "", 1) == -1)
		log_debug("nobody waits for the start any more");
	close(monitor->starter.ready_fd);
	monitor->starter.ready_fd = -1;
}

static void
on_leash(struct ev_loop *loop, struct ev_io *w, int what)
{
	char byte;

	ev_io_stop(loop, w);
	if (read(w->fd, &byte, 1) == 1)
		return;
	log_warnx("stopping: tombolo run was ended while it waited");
	stop(w->data, 1);
}

static void
on_death(void *arg)
{
	struct monitor	    *monitor = arg;
	const struct tapdev *device = network_device(monitor->network);

	if (monitor->state == STARTING) {
		stop(monitor, 1);
	} else if (monitor->state == RUNNING &&
	    if_nametoindex(device->name) != device->ifindex) {
		/*
		 * A new engine cannot repair that; a restart of the daemon
		 * creates a new device.
		 */
		log_warnx("%s: another program removed the device; restart",
		    device->name);
		stop(monitor, 1);
	}
}

static void
on_signal(struct ev_loop *loop, struct ev_signal *w, int what)
{
	struct monitor *monitor = w->data;
	bool		restarts = w->signum == SIGUSR1;

	if (w->signum == SIGHUP) {
		log_info("SIGHUP: reloading the configuration");
		on_reload(monitor, true);
		return;
	}
	log_info("stopping: %s", restarts ? "SIGUSR1, for a restart" :
					 strsignal(w->signum));
	stop(monitor, 0);
	/* The next start takes over, so that there is no gap. */
	if (restarts && monitor->network != NULL)
		network_keep_block(monitor->network, true);
}

static void
on_never_ready(struct ev_loop *loop, struct ev_timer *w, int what)
{
	log_warnx("the engine was not ready within %d s", READY_SEC);
	stop(w->data, 1);
}

/* For its auth lines; and the text for a new engine. */
static bool
on_is_file(void *arg, const char *name)
{
	const struct monitor *monitor = arg;
	const char	     *slash = strrchr(monitor->path, '/');
	const char *conf_name = slash != NULL ? slash + 1 : monitor->path;

	return (monitor->conf->role == CONF_SERVER &&
		   strcmp(name, conf_name) == 0) ||
	    certs_is_file(monitor->conf, name);
}

static void
on_change(void *arg)
{
	struct monitor *monitor = arg;

	monitor->taken = reload_take(&monitor->reload, monitor->scope);
}

/* What was not applied is in the configuration and in the log. */
static bool
on_reload(void *arg, bool all)
{
	struct monitor *monitor = arg;

	monitor->scope = all ? RELOAD_ALL : RELOAD_SITES;
	if (monitor->watch != NULL)
		sites_watch_now(monitor->watch);
	else
		on_change(monitor);
	monitor->scope = RELOAD_SITES;
	return monitor->taken;
}

static void
on_credentials(void *arg, const char *const *sites, size_t n)
{
	struct children *children = &((struct monitor *)arg)->children;

	children_sent(children,
	    startup_send_credentials(&children->engine_chan, sites, n));
}

static void
on_network_changed(void *arg)
{
	struct children *children = &((struct monitor *)arg)->children;

	log_debug("this host's network changed");
	children_sent(children, startup_send(&children->engine_chan,
	    REQUEST_NETCHANGE, NULL, 0, NULL, 0));
}

/* Checks whether another program has changed our settings. */
static double
on_network_event(void *arg, bool is_local)
{
	struct monitor *monitor = arg;

	return network_check(monitor->network, is_local);
}
