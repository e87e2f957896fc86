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

#include <stdbool.h>

struct conf;
struct nat;

/*
 * As the configuration says: for its tunnel networks and every enabled site's
 * subnets, or nothing (*nat is NULL then).  A table that is there is replaced in
 * one transaction.  False on failure, logged with libnftables' own words; what was
 * there stays.
 */
bool nat_follow(struct nat **nat, const char *device, const struct conf *conf);
void nat_free(struct nat *nat); /* NULL is fine */

#endif /* NAT_H */
