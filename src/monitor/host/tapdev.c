/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/tapdev.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "base/secret.h"
#include "monitor/host/busy_retry.h"

#ifndef TUN_F_USO4 /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TUN_PATH     "/dev/net/tun"
#define VNET_HDR_LEN 10 /* struct virtio_net_hdr */

static const struct {
	enum conf_offload offload;
	unsigned	  flag;
} offloads[] = {
	{ CONF_OFFLOAD_CSUM, TUN_F_CSUM },
	{ CONF_OFFLOAD_TSO4, TUN_F_TSO4 | TUN_F_TSO_ECN },
	{ CONF_OFFLOAD_TSO6, TUN_F_TSO6 | TUN_F_TSO_ECN },
	{ CONF_OFFLOAD_USO4, TUN_F_USO4 },
	{ CONF_OFFLOAD_USO6, TUN_F_USO6 },
};

static int open_queue(struct tapdev *dev, short flags);
static unsigned set_offloads(struct tapdev *dev, unsigned want);
static bool try_offloads(struct tapdev *dev, unsigned set);
static int set_mac(struct tapdev *dev);

int
tapdev_open(struct tapdev *dev, const char *name, enum conf_mode mode,
    unsigned nqueues, unsigned no_offloads)
{
	bool	 vnet = (no_offloads & CONF_OFFLOAD_BIT(CONF_OFFLOAD_CSUM)) == 0;
	short	 flags = (short)((mode == CONF_TAP ? IFF_TAP : IFF_TUN) |
	    IFF_NO_PI | IFF_MULTI_QUEUE | (vnet ? IFF_VNET_HDR : 0));
	unsigned waited = 0;
	int	 r;

	*dev = (struct tapdev) { .mtu = 1500 };
	if (nqueues == 0 || nqueues > CONF_MAX_WORKERS ||
	    strlcpy(dev->name, name, sizeof(dev->name)) >= sizeof(dev->name))
		return -EINVAL;
	/*
	 * Exclusively for the first queue: an existing device of that name
	 * could belong to another daemon, and we would get a part of its
	 * frames.
	 */
	do
		r = open_queue(dev, (short)(flags | IFF_TUN_EXCL));
	while ((r == -EBUSY || r == -EEXIST) && busy_retry_wait(name, &waited));
	while (r == 0 && dev->nqueues < nqueues)
		r = open_queue(dev, flags);
	if (r < 0)
		goto close;
	dev->ifindex = if_nametoindex(dev->name);
	if (dev->ifindex == 0) {
		r = -errno;
		goto close;
	}
	if (vnet)
		dev->offloads = set_offloads(dev, ~no_offloads);
	r = vnet && dev->offloads == 0 ? -ENOTSUP : 0;
	if (r == 0 && mode == CONF_TAP)
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
	int	     hdr_len = VNET_HDR_LEN;
	int	     r, fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return -errno;
	strlcpy(ifr.ifr_name, dev->name, sizeof(ifr.ifr_name));
	if (ioctl(fd, TUNSETIFF, &ifr) == -1 ||
	    ((flags & IFF_VNET_HDR) != 0 &&
		ioctl(fd, TUNSETVNETHDRSZ, &hdr_len) == -1)) {
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
 * The kernel accepts all offloads or none, so if it refuses, the newest are
 * left out first: those of UDP, then those of TCP. All kernels have partial
 * checksums.
 */
static unsigned
set_offloads(struct tapdev *dev, unsigned want)
{
	static const unsigned uso = CONF_OFFLOAD_BIT(CONF_OFFLOAD_USO4) |
	    CONF_OFFLOAD_BIT(CONF_OFFLOAD_USO6);
	static const unsigned tso = CONF_OFFLOAD_BIT(CONF_OFFLOAD_TSO4) |
	    CONF_OFFLOAD_BIT(CONF_OFFLOAD_TSO6);
	static const unsigned csum = CONF_OFFLOAD_BIT(CONF_OFFLOAD_CSUM);

	want &= csum | tso | uso;
	if (try_offloads(dev, want))
		return want;
	if (try_offloads(dev, want & ~uso))
		return want & ~uso;
	if (try_offloads(dev, want & csum))
		return want & csum;
	return 0;
}

static bool
try_offloads(struct tapdev *dev, unsigned set)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < nitems(offloads); i++) {
		if ((set & CONF_OFFLOAD_BIT(offloads[i].offload)) != 0)
			flags |= offloads[i].flag;
	}
	return ioctl(dev->queues[0], TUNSETOFFLOAD, flags) == 0;
}

/*
 * A bridge without an address of its own uses the lowest of its ports'. fe is
 * higher than that of any card, and marks a locally administered address.
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
