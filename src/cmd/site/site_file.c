/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "keeper/credentials.h"

int
site_file_lock(const char *dir)
{
	int r, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return -errno;
	do
		r = flock(fd, LOCK_EX);
	while (r == -1 && errno == EINTR);
	if (r == -1) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

const char *
site_file_conf(char *dst, size_t size, const char *site)
{
	assert(conf_is_site_name(site));
	snprintf(dst, size, CONF_SITES_DIR "/%s.conf", site);
	return dst;
}

const char *
site_file_certificate(char *dst, size_t size, const char *site)
{
	assert(conf_is_site_name(site));
	snprintf(dst, size, CONF_SITES_DIR "/%s.crt", site);
	return dst;
}

const char *
site_file_psk(char *dst, size_t size, const char *site)
{
	assert(conf_is_site_name(site));
	snprintf(dst, size, CONF_KEEPER_DIR "/" CREDENTIALS_SITES "/%s.psk",
	    site);
	return dst;
}

const char *
site_file_credential(char *dst, size_t size, const char *site,
    enum conf_auth auth)
{
	char name[CREDENTIALS_NAME_MAX];
	bool ok = credentials_site_name(site, auth, name);

	assert(ok);
	(void)ok;
	snprintf(dst, size, CONF_KEEPER_DIR "/%s", name);
	return dst;
}
