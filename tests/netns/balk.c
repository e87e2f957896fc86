/* SPDX-License-Identifier: GPL-2.0-or-later */
/* balk: a device that takes no superframes, for LD_PRELOAD.
 *
 * Each is refused with EINVAL, as a kernel does that does not know its kind.
 * Who goes on asking ends: it is to be asked once a queue and kind.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/uio.h>

#include <linux/virtio_net.h>

#define QUEUES 2
#define KINDS  3 /* TCP over IPv4, over IPv6, UDP */

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	static ssize_t (*_Atomic real)(int, const struct iovec *, int);
	static _Atomic int refused;
	const struct virtio_net_hdr *hdr = iov->iov_base;

	if (n > 1 && iov->iov_len == sizeof(*hdr) &&
	    hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		if (++refused > QUEUES * KINDS)
			abort();
		errno = EINVAL;
		return -1;
	}
	if (real == NULL)
		real = (ssize_t(*)(int, const struct iovec *, int))dlsym(
		    RTLD_NEXT, "writev");
	return real(fd, iov, n);
}
