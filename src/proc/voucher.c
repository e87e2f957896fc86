/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/voucher.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/label_mac.h"
#include "base/secret.h"
#include "base/wire.h"

#define LABEL	 "tombolo voucher"
#define TIME_LEN 8
#define MAC_LEN	 (VOUCHER_LEN - TIME_LEN)

void
voucher_make(uint8_t voucher[VOUCHER_LEN], const uint8_t key[VOUCHER_KEY_LEN],
    const char *site, struct mono now)
{
	wire_write_u64(voucher, (uint64_t)now.us);
	label_mac(voucher + TIME_LEN, MAC_LEN, key, LABEL, voucher, TIME_LEN,
	    site, strlen(site));
}

bool
voucher_is_good(const uint8_t voucher[VOUCHER_LEN],
    const uint8_t key[VOUCHER_KEY_LEN], const char *site, struct mono now)
{
	uint8_t	    mac[MAC_LEN];
	struct mono made = { (int64_t)wire_read_u64(voucher) };
	bool	    good;

	label_mac(mac, MAC_LEN, key, LABEL, voucher, TIME_LEN, site,
	    strlen(site));
	good = secret_equal(mac, voucher + TIME_LEN, sizeof(mac));
	secret_wipe(mac, sizeof(mac));
	/* The time counts only once it is known to be ours. */
	return good && mono_sub(now, made) >= 0 &&
	    mono_sub(now, made) <= VOUCHER_SEC * MONO_SEC;
}

int
voucher_key_pipe(const uint8_t key[VOUCHER_KEY_LEN])
{
	int	fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	/* A pipe holds more than this: it does not block. */
	n = write(fds[1], key, VOUCHER_KEY_LEN);
	close(fds[1]);
	if (n == VOUCHER_KEY_LEN)
		return fds[0];
	close(fds[0]);
	return -EIO;
}

int
voucher_key_read(int fd, uint8_t key[VOUCHER_KEY_LEN])
{
	ssize_t n = read(fd, key, VOUCHER_KEY_LEN);

	close(fd);
	return n == VOUCHER_KEY_LEN ? 0 : -EIO;
}
