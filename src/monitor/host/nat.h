/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat: masquerades packets from sites that leave through the hub (libnftables).
 *
 * Uses one table, "inet tombolo_DEVICE", with flags owner: no other program can
 * change or flush it, and the kernel removes it when the struct is freed or the
 * process exits.  A packet from a tunnel network or a site's network that
 * leaves by another interface than the device gets the address of that
 * interface.
 */
#ifndef NAT_H
#define NAT_H

#include <stdbool.h>

struct conf;
struct nat;

/*
 * Applies the configuration: masquerades its tunnel networks and the subnets of
 * all enabled sites, or removes the table (then *nat is NULL).  An existing
 * table is replaced in one transaction.  False on failure, logged with the
 * message of libnftables; then the previous table stays.
 */
bool nat_reconfigure(struct nat **nat, const char *device,
    const struct conf *conf);
void nat_free(struct nat *nat); /* NULL is fine */

#endif /* NAT_H */
