/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat: masquerades what sites send out through the server (libnftables).
 *
 * One table of our own, "inet tombolo_DEVICE", flags owner: nobody else can
 * change or flush it, and it goes with the struct (or with the process).  A
 * packet from a tunnel or site network that leaves by another interface than
 * the device takes that interface's address.
 */
#ifndef NAT_H
#define NAT_H

#include "conf/conf.h"

struct nat;

/*
 * For the tunnel networks and every enabled site's subnets in `conf`.  NULL on
 * failure, logged with libnftables' own words.
 */
struct nat *nat_new(const char *device, const struct conf *conf);

/* The same for a changed configuration; atomically. 0 or a negative errno. */
int  nat_update(struct nat *nat, const struct conf *conf);
void nat_free(struct nat *nat);

#endif /* NAT_H */
