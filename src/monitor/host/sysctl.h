/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: sets IP forwarding and the keys that it affects, through the journal.
 *
 * IPv4: net.ipv4.ip_forward.  IPv6: with forwarding, the kernel drops a default
 * route that it learned by router advertisement, so accept_ra of each interface
 * is changed from 1 to 2 first.
 *
 * Writing these keys changes others, too: "forwarding" of each interface, in
 * both directions, and IPv4's accept_redirects.  If the administrator had set
 * one of those to another value, it is recorded before, so that it can be
 * reset.
 *
 * On our own device: no IPv6 address if it is a bridge port, and no redirects
 * or router advertisements from the other end of a tunnel.
 *
 * Forwarding that we enabled stays enabled at the end if others can rely on it by
 * then: two other interfaces have addresses of the family (journal.c).
 */
#ifndef SYSCTL_H
#define SYSCTL_H

#include <stdbool.h>
#include <sys/socket.h>

#define SYSCTL_KEY_SIZE 64 /* net/ipv6/conf/ + 15 + /accept_redirects */

struct conf;
struct journal;

/*
 * Read and write /proc/sys/KEY ("net/ipv4/ip_forward"), without a newline. 0 or
 * a negative errno value; -EINVAL: not a key below net/.
 */
int sysctl_read(const char *key, char *value, int size);
int sysctl_write(const char *key, const char *value);
/* Whether it is a key that we may change, so that it can be reset. */
bool sysctl_is_ours(const char *key);

/*
 * Whether the configuration enables forwarding; "auto": if there are networks
 * behind this host.  Between two sites the engine forwards by itself, without
 * the kernel.
 */
bool sysctl_is_wanted(const struct conf *conf, sa_family_t family);

/*
 * Enables it.  How many families, or a negative errno value.  Keys that are set already are not
 * written, so it also succeeds with a read-only /proc/sys if forwarding is
 * enabled. -ENOENT: the kernel has no IPv6.
 */
int sysctl_enable(struct journal *journal, bool ipv4, bool ipv6);

/*
 * If an interface has rp_filter 1, it drops the hub's packets: without our
 * mark, the route to the hub goes through the tunnel.  With `marked`, our
 * packets have the mark, and src_valid_mark makes the check consider it;
 * otherwise rp_filter is set to 2, which only requires some route.  Recorded in
 * the journal. 0: nothing to do; 1: changed; or a negative errno value.
 */
int sysctl_loosen(struct journal *journal, bool marked);

/* Whether this host has IPv6 on `device`. */
bool sysctl_has_ipv6(const char *device);

/* Disables IPv6 on `device` (disable_ipv6 = 1); it ends with the device. */
int sysctl_silence_ipv6(const char *device);

/*
 * `device` accepts no router advertisements and redirects, and gets no
 * link-local address; it ends with the device.  Keys that the kernel refuses
 * are skipped.
 */
void sysctl_distrust(const char *device);

#endif /* SYSCTL_H */
