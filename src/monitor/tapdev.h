/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tapdev: opens and shapes the TUN or TAP device and its queues.
 *
 * One descriptor a worker (IFF_MULTI_QUEUE), non-blocking, IFF_NO_PI.  The
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
	int	 queues[CONF_MAX_WORKERS];
	unsigned nqueues;
};

/*
 * Makes the device.  0, or a negative errno value: -EBUSY or -EEXIST when the
 * name is taken, -ENOENT when there is no /dev/net/tun.  Nothing is left
 * behind on failure.
 */
int  tapdev_open(struct tapdev *dev, const char *name, enum conf_mode mode,
     unsigned nqueues);
void tapdev_close(struct tapdev *dev);

#endif /* TAPDEV_H */
