/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor_ask: the engine's requests to the monitor, and the monitor's
 * messages.
 *
 * Every request is answered by one later callback on the control thread; the
 * engine ends when the monitor is gone.  At most 16 are pending (-EAGAIN).  A
 * callback may send requests, but only on_gone may free the struct.
 */
#ifndef MONITOR_ASK_H
#define MONITOR_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "engine/ask/startup_recv.h"
#include "proc/request.h"

#define MONITOR_ASK_MAX_PENDING 16

struct monitor_ask;

/* From now on in `loop`; owns `fd`. */
struct monitor_ask *monitor_ask_new(struct ev_loop *loop, int fd,
    const struct startup_recv_events *events, void *arg);
void monitor_ask_free(struct monitor_ask *ask);

/* READY or DOWN. */
void monitor_ask_tell(struct monitor_ask *ask, enum request type);
/* The certificates of this number were understood, and are in use. */
void monitor_ask_in_force(struct monitor_ask *ask, enum request_certs kind,
    uint32_t number);

/*
 * Each returns 0, or a negative errno value and then nothing is called.
 * `which` is a server of the configuration, or REQUEST_PROXY.
 */
int monitor_ask_resolve(struct monitor_ask *ask, unsigned which,
    void (*done)(void *arg, const struct endpoint *list, unsigned n),
    void *arg);
/*
 * `fds` are the callee's: as many as were asked for, one of a connection; n is 0
 * on failure, with a positive errno value in `error`.
 */
int monitor_ask_connect(struct monitor_ask *ask, unsigned which, unsigned index,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg);
int monitor_ask_lanes(struct monitor_ask *ask, unsigned which, unsigned index,
    unsigned count,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg);
int monitor_ask_network(struct monitor_ask *ask,
    const struct prefix *addresses, size_t naddresses,
    const struct prefix *routes, size_t nroutes,
    void (*done)(void *arg, int error, const char *why), void *arg);

/* `domains`: texts of CONF_DOMAIN_MAX bytes at most. */
int monitor_ask_dns(struct monitor_ask *ask, const struct prefix *servers,
    size_t nservers, char *const *domains, size_t ndomains,
    void (*done)(void *arg, int error, const char *why), void *arg);

/*
 * A PAM helper for `site`, as whose `address` the modules log; fds[0] is its
 * conversation (proc/pam_chat.h).
 */
int monitor_ask_pam(struct monitor_ask *ask, const char *site,
    const char *address,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg);

/*
 * Reloads the configuration, or only the sites.  The new configuration arrives
 * first, and says what was not applied (conf->faults, waiting); on an error
 * there is none.
 */
int monitor_ask_reload(struct monitor_ask *ask, bool all,
    void (*done)(void *arg, int error, const char *why), void *arg);

/* Forget callbacks of this `arg`: their owner is gone (descriptors are closed). */
void monitor_ask_cancel(struct monitor_ask *ask, const void *arg);

#endif /* MONITOR_ASK_H */
