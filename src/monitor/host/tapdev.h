/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tapdev: creates the TUN or TAP device and its queues.
 *
 * One descriptor for each worker (IFF_MULTI_QUEUE), non-blocking, IFF_NO_PI,
 * and IFF_VNET_HDR (a virtio_net_hdr of 10 bytes) if there is any offload.  The
 * device exists as long as one of them is open.
 */
#ifndef TAPDEV_H
#define TAPDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

struct tapdev {
	char	 name[16];
	unsigned ifindex;
	unsigned mtu;
	uint8_t	 mac[6]; /* TAP: fe:xx:xx:xx:xx:xx, random */
	unsigned offloads; /* CONF_OFFLOAD_BIT()s in use; 0: no vnet_hdr */
	int	 queues[CONF_MAX_WORKERS];
	unsigned nqueues;
};

/*
 * Creates the device with the offloads that this kernel has, except those in
 * `no_offloads`. 0, or a negative errno value: -EBUSY or -EEXIST if the name
 * stays in use (busy_retry.h), -ENOENT if there is no /dev/net/tun.  On failure
 * nothing is left behind.
 */
int  tapdev_open(struct tapdev *dev, const char *name, enum conf_mode mode,
     unsigned nqueues, unsigned no_offloads);
void tapdev_close(struct tapdev *dev);

#endif /* TAPDEV_H */
