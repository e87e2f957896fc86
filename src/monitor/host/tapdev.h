/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tapdev: opens and shapes the TUN or TAP device and its queues.
 *
 * One descriptor a worker (IFF_MULTI_QUEUE), non-blocking, IFF_NO_PI, and
 * IFF_VNET_HDR where it does any offload (a virtio_net_hdr of 10 bytes).  The
 * device lives as long as any of them is open.
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
	unsigned offloads; /* CONF_OFFLOAD_BIT()s that it does; 0: no vnet_hdr */
	int	 queues[CONF_MAX_WORKERS];
	unsigned nqueues;
};

/*
 * Makes the device; it does what this kernel can of the offloads of devices,
 * but for those in `no_offloads`.  0, or a negative errno value: -EBUSY or
 * -EEXIST when the name is taken and stays so (monitor/host/busy_retry.h),
 * -ENOENT when
 * there is no /dev/net/tun.  Nothing is left behind on failure.
 */
int  tapdev_open(struct tapdev *dev, const char *name, enum conf_mode mode,
     unsigned nqueues, unsigned no_offloads);
void tapdev_close(struct tapdev *dev);

#endif /* TAPDEV_H */
