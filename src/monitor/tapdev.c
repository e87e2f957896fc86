/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/tapdev.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include <bsd/string.h>

#include "base/secret.h"

#define TUN_PATH "/dev/net/tun"

static int open_queue(struct tapdev *dev, short flags);
static int set_mac(struct tapdev *dev);

int
tapdev_open(struct tapdev *dev, const char *name, enum conf_mode mode,
    unsigned nqueues)
{
	short flags = (short)((mode == CONF_TAP ? IFF_TAP : IFF_TUN) |
	    IFF_NO_PI | IFF_MULTI_QUEUE);
	int   r;

	*dev = (struct tapdev) { .mtu = 1500 };
	if (nqueues == 0 || nqueues > CONF_MAX_WORKERS ||
	    strlcpy(dev->name, name, sizeof(dev->name)) >= sizeof(dev->name))
		return -EINVAL;
	/*
	 * Exclusively for the first: a device of that name could be another
	 * daemon's, and we would be given a part of its frames.
	 */
	r = open_queue(dev, (short)(flags | IFF_TUN_EXCL));
	while (r == 0 && dev->nqueues < nqueues)
		r = open_queue(dev, flags);
	if (r < 0)
		goto close;
	dev->ifindex = if_nametoindex(dev->name);
	if (dev->ifindex == 0) {
		r = -errno;
		goto close;
	}
	if (mode == CONF_TAP)
		r = set_mac(dev);
	if (r < 0)
		goto close;
	return 0;

close:
	tapdev_close(dev);
	return r;
}

void
tapdev_close(struct tapdev *dev)
{
	while (dev->nqueues > 0)
		close(dev->queues[--dev->nqueues]);
}

static int
open_queue(struct tapdev *dev, short flags)
{
	struct ifreq ifr = { .ifr_flags = flags };
	int	     r, fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return -errno;
	strlcpy(ifr.ifr_name, dev->name, sizeof(ifr.ifr_name));
	if (ioctl(fd, TUNSETIFF, &ifr) == -1) {
		r = -errno;
		close(fd);
		return r;
	}
	/* What the kernel called it, had the name a "%d" in it. */
	strlcpy(dev->name, ifr.ifr_name, sizeof(dev->name));
	dev->queues[dev->nqueues++] = fd;
	return 0;
}

/*
 * A bridge without an address of its own takes the lowest of its ports': fe is
 * higher than any card's, and marks it as locally administered.
 */
static int
set_mac(struct tapdev *dev)
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	secret_random(dev->mac, sizeof(dev->mac));
	dev->mac[0] = 0xfe;
	strlcpy(ifr.ifr_name, dev->name, sizeof(ifr.ifr_name));
	memcpy(ifr.ifr_hwaddr.sa_data, dev->mac, sizeof(dev->mac));
	if (ioctl(dev->queues[0], SIOCSIFHWADDR, &ifr) == -1)
		return -errno;
	return 0;
}
