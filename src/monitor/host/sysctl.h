/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: switches IP forwarding on, with care, through the journal.
 *
 * IPv4: net.ipv4.ip_forward.  IPv6: forwarding makes the kernel drop a default
 * route that it learned by router advertisement, so each interface's accept_ra
 * goes from 1 to 2 first.
 *
 * Both switches also write other keys: each interface's own "forwarding", both
 * ways, and IPv4's accept_redirects.  Where the administrator had set one of
 * those otherwise, that is noted before, so that undoing brings it back.
 *
 * On our own device: no IPv6 of its own in a bridge, and no advice from
 * whoever is at the other end of a tunnel.
 *
 * XXX Two daemons on one host: the one that found forwarding on does not know
 * that it will go off with the other.  A count in /run would cure it.
 */
#ifndef SYSCTL_H
#define SYSCTL_H

#include <stdbool.h>
#include <sys/socket.h>

struct conf;
struct journal;

/*
 * Reads and writes /proc/sys/KEY ("net/ipv4/ip_forward"); no newline.  0 or a
 * negative errno value; -EINVAL for what cannot be a key below net/.
 */
int sysctl_read(const char *key, char *value, int size);
int sysctl_write(const char *key, const char *value);

/*
 * Whether the configuration says so; "auto": where somebody is behind this host.
 * Between two sites the engine forwards by itself, and the kernel never sees it.
 */
bool sysctl_is_wanted(const struct conf *conf, sa_family_t family);

/*
 * 0 or a negative errno value; what was on already is not touched, so it also
 * succeeds where /proc/sys is read-only and forwarding is on.  -ENOENT: the
 * kernel has no IPv6.
 */
int sysctl_enable(struct journal *journal, bool ipv4, bool ipv6);

/*
 * Where an interface takes packets only from where it would answer to
 * (rp_filter 1), the server's would be dropped: the answer to them, but for
 * our mark, goes through the tunnel.  With `marked` they have it, too, and the
 * check is told to look at it (src_valid_mark); else 2, that there be an answer
 * at all, takes its place.  Through the journal.  0: it was so, or need not be;
 * 1: it is now; or a negative errno value.
 */
int sysctl_loosen(struct journal *journal, bool marked);

/* Whether this host has IPv6 on `device`. */
bool sysctl_has_ipv6(const char *device);

/* No IPv6 on `device` (disable_ipv6 = 1); goes with it. */
int sysctl_silence_ipv6(const char *device);

/*
 * `device` takes no router advertisement or redirect and makes no address of
 * its own; goes with it.  What the kernel does not allow is left.
 */
void sysctl_distrust(const char *device);

#endif /* SYSCTL_H */
