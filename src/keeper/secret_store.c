/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/secret_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bsd/string.h>
#include <linux/magic.h>
#include <nettle/sha2.h>

#include "base/hex.h"
#include "base/label_mac.h"
#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "base/wire.h"
#include "keeper/auth_method.h"
#include "keeper/srp_line.h"

#define NOBODY_PASSWORD_LEN 32 /* bytes; twice as many characters */
#define MAX_NAMED	    10 /* files in the log */

static bool check_dirs(const struct secret_store *store, char *why,
    size_t why_size);
static void name_bad_files(int dir_fd);
static bool name_bad_file(int dir_fd, const char *name);
static bool open_master(struct secret_store *store, char *why, size_t why_size);
static int  read_master(int dir_fd, uint8_t master[SECRET_STORE_KEY_LEN]);
static void derive(const uint8_t master[SECRET_STORE_KEY_LEN],
    const char *purpose,
    uint8_t key[SECRET_STORE_KEY_LEN]);
static bool make_nobodies(struct secret_store *store, char *why,
    size_t why_size);
static int  make_nobody(struct secret_store *store, enum conf_auth auth,
    char *name);
static int  make_line(enum conf_auth auth, char *line, size_t size);
static bool is_line(enum conf_auth auth, const char *line);
static void digest_of(int dir_fd, const char *name, const char *line,
    uint8_t digest[SECRET_STORE_DIGEST_LEN]);

bool
secret_store_move(int dir_fd, int state_fd)
{
	static const char *const names[] = { CREDENTIALS_MASTER, "nobody.srp",
		"nobody.password", "nobody.tls-srp" };
	struct statfs fs;
	char	      line[SECRET_STORE_LINE_SIZE], why[512];
	size_t	      len;
	int	      r = credentials_line(dir_fd, CREDENTIALS_MASTER, line,
		      sizeof(line), &len);

	if (r == -ENOENT)
		return true;
	if (r == 0)
		r = credentials_create(state_fd, CREDENTIALS_MASTER, line);
	secret_wipe(line, sizeof(line));
	if (r == 0)
		log_info("%s: the daemon's state was moved here from %s",
		    credentials_dir_path(state_fd, line, sizeof(line)),
		    credentials_dir_path(dir_fd, why, sizeof(why)));
	else if (r != -EEXIST)
		log_warnx("%s", credentials_explain(dir_fd, CREDENTIALS_MASTER,
		    r, why, sizeof(why)));
	if (r != 0 && r != -EEXIST)
		return false;
	if (fstatfs(state_fd, &fs) == -1 || fs.f_type == TMPFS_MAGIC)
		return true;
	for (size_t i = 0; i < nitems(names); i++)
		(void)unlinkat(dir_fd, names[i], 0);
	return true;
}

bool
secret_store_open(struct secret_store *store, int dir_fd, int state_fd,
    int voucher_fd, char *why, size_t why_size)
{
	*store = (struct secret_store) { .dir_fd = dir_fd, .state_fd =
	    state_fd };
	if (voucher_fd == -1 ||
	    voucher_key_read(voucher_fd, store->voucher_key) < 0)
		secret_random(store->voucher_key, sizeof(store->voucher_key));
	/* A client's keys stay random: nothing is sealed for a client. */
	secret_random(store->state_key, sizeof(store->state_key));
	secret_random(store->token_key, sizeof(store->token_key));
	secret_random(store->salt_key, sizeof(store->salt_key));
	if (!check_dirs(store, why, why_size))
		return false;
	name_bad_files(dir_fd);
	store->has_sites = faccessat(dir_fd, CREDENTIALS_SITES, F_OK, 0) == 0;
	/* Only a server has one.  A client verifies no sites. */
	store->server = faccessat(dir_fd, CREDENTIALS_KEY, F_OK, 0) == 0 ||
	    faccessat(store->state_fd, CREDENTIALS_KEPT CREDENTIALS_KEY, F_OK,
		0) == 0;
	if (!store->server)
		return true;
	return open_master(store, why, why_size) &&
	    make_nobodies(store, why, why_size);
}

void
secret_store_close(struct secret_store *store)
{
	secret_wipe(store, sizeof(*store));
}

void
secret_store_read(const struct secret_store *store, const char *site,
    bool known, enum conf_auth method,
    struct secret_store_credential *credential)
{
	char   nobody[CREDENTIALS_NAME_MAX] = "";
	size_t len;
	int    r = -EINVAL;

	credential->real = false;
	credential->error = 0;
	if (known && credentials_site_name(site, method, credential->name)) {
		r = credentials_line(store->dir_fd, credential->name,
		    credential->line, sizeof(credential->line), &len);
		if (r == 0 && !is_line(method, credential->line))
			r = -EBADMSG;
		credential->real = r == 0;
		credential->error = r;
	}
	/* Parsed in any case, so that the time is the same. */
	if (!credential->real &&
	    (!credentials_nobody_name(method, nobody) ||
		credentials_line(store->state_fd, nobody, credential->line,
		    sizeof(credential->line), &len) < 0 ||
		!is_line(method, credential->line)))
		credential->line[0] = '\0';
	if (credential->real)
		digest_of(store->dir_fd, credential->name, credential->line,
		    credential->digest);
	else
		digest_of(store->state_fd, nobody, credential->line,
		    credential->digest);
}

bool
secret_store_digest(const struct secret_store *store, const char *site,
    enum conf_auth method, uint8_t digest[SECRET_STORE_DIGEST_LEN])
{
	char   name[CREDENTIALS_NAME_MAX], line[SECRET_STORE_LINE_SIZE];
	size_t len;

	if (!credentials_site_name(site, method, name) ||
	    credentials_line(store->dir_fd, name, line, sizeof(line), &len) < 0)
		return false;
	digest_of(store->dir_fd, name, line, digest);
	secret_wipe(line, sizeof(line));
	return true;
}

static bool
check_dirs(const struct secret_store *store, char *why, size_t why_size)
{
	const struct {
		int	    fd;
		const char *name;
		bool	    may_miss;
	} dirs[] = {
		{ store->dir_fd, CREDENTIALS_DIR, false },
		/* A client has no sites. */
		{ store->dir_fd, CREDENTIALS_SITES, true },
		{ store->state_fd, CREDENTIALS_DIR, false },
	};

	for (size_t i = 0; i < nitems(dirs); i++) {
		int r = credentials_check_dir(dirs[i].fd, dirs[i].name);

		if (r == 0 || (r == -ENOENT && dirs[i].may_miss))
			continue;
		credentials_explain(dirs[i].fd, dirs[i].name, r, why, why_size);
		return false;
	}
	return true;
}

/*
 * One site's file must not stop the others: it is refused when it is needed.
 * It is logged now, before that site cannot log in.
 */
static void
name_bad_files(int dir_fd)
{
	char	       name[sizeof(CREDENTIALS_SITES) + NAME_MAX + 1];
	struct dirent *entry;
	unsigned       n = 0;
	int	       fd;
	DIR	      *dir;

	name_bad_file(dir_fd, CREDENTIALS_SECRET);
	name_bad_file(dir_fd, CREDENTIALS_PROXY);
	fd = openat(dir_fd, CREDENTIALS_SITES,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd != -1 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while (n < MAX_NAMED && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), CREDENTIALS_SITES "/%s",
		    entry->d_name);
		n += name_bad_file(dir_fd, name);
	}
	closedir(dir);
}

/* No file is valid, too. */
static bool
name_bad_file(int dir_fd, const char *name)
{
	char   line[SECRET_STORE_LINE_SIZE], text[512];
	size_t len;
	int    r = credentials_line(dir_fd, name, line, sizeof(line), &len);

	secret_wipe(line, sizeof(line));
	if (r == 0 || r == -ENOENT)
		return false;
	log_warnx("%s", credentials_explain(dir_fd, name, r, text,
	    sizeof(text)));
	return true;
}

/* An existing one is never replaced: all tokens depend on it. */
static bool
open_master(struct secret_store *store, char *why, size_t why_size)
{
	uint8_t master[SECRET_STORE_KEY_LEN];
	char	line[2 * SECRET_STORE_KEY_LEN + 1];
	int	r = read_master(store->state_fd, master);

	if (r == -ENOENT) {
		secret_random(master, sizeof(master));
		hex_encode(line, master, sizeof(master));
		r = credentials_create(store->state_fd, CREDENTIALS_MASTER,
		    line);
		secret_wipe(line, sizeof(line));
	}
	if (r == 0) {
		derive(master, "tombolo token", store->token_key);
		derive(master, "tombolo salt", store->salt_key);
	} else if (r == -EBADMSG) {
		snprintf(why, why_size, "%s must be one line of %d hexadecimal "
		    "digits; remove it, and a new one is created (sites log in "
		    "again)", CREDENTIALS_MASTER, 2 * SECRET_STORE_KEY_LEN);
	} else {
		credentials_explain(store->state_fd, CREDENTIALS_MASTER, r, why,
		    why_size);
	}
	secret_wipe(master, sizeof(master));
	return r == 0;
}

static int
read_master(int dir_fd, uint8_t master[SECRET_STORE_KEY_LEN])
{
	char	    line[2 * SECRET_STORE_KEY_LEN + 2];
	const char *at = line;
	size_t	    len;
	int	    r = credentials_line(dir_fd, CREDENTIALS_MASTER, line,
		    sizeof(line), &len);

	if (r == -EFBIG ||
	    (r == 0 && (!srp_line_take_hex(&at, master, SECRET_STORE_KEY_LEN,
	    &len) ||
			   len != SECRET_STORE_KEY_LEN || *at != '\0')))
		r = -EBADMSG;
	secret_wipe(line, sizeof(line));
	return r;
}

/*
 * HKDF-Expand only, one block (RFC 5869 2.3): the master key is uniform already
 * (3.3).
 */
static void
derive(const uint8_t master[SECRET_STORE_KEY_LEN], const char *purpose,
    uint8_t key[SECRET_STORE_KEY_LEN])
{
	static const uint8_t block = 1;

	label_mac(key, SECRET_STORE_KEY_LEN, master, purpose, &block,
	    sizeof(block), NULL, 0);
}

static bool
make_nobodies(struct secret_store *store, char *why, size_t why_size)
{
	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		enum conf_auth auth = (enum conf_auth)i;
		char	       name[CREDENTIALS_NAME_MAX];
		int	       r = auth_method_find(auth) == NULL ? 0 :
		    make_nobody(store, auth, name);

		if (r == 0)
			continue;
		if (r == -EPERM)
			credentials_explain(store->state_fd, name, r, why,
			    why_size);
		else
			snprintf(why, why_size, "%s cannot be made: %s", name,
			    strerror(-r));
		return false;
	}
	return true;
}

/* Also replaces an invalid one: nothing depends on it. */
static int
make_nobody(struct secret_store *store, enum conf_auth auth, char *name)
{
	char   line[SECRET_STORE_LINE_SIZE];
	size_t len;
	int    r;

	if (!credentials_nobody_name(auth, name))
		return -EINVAL;
	r = credentials_line(store->state_fd, name, line, sizeof(line), &len);
	if (r == 0 && is_line(auth, line))
		return 0;
	if (r != 0 && r != -ENOENT && r != -EBADMSG && r != -EFBIG &&
	    r != -EILSEQ && r != -EPROTO)
		return r;
	if (unlinkat(store->state_fd, name, 0) == -1 && errno != ENOENT)
		return -errno;
	r = make_line(auth, line, sizeof(line));
	if (r == 0)
		r = credentials_create(store->state_fd, name, line);
	return r;
}

static int
make_line(enum conf_auth auth, char *line, size_t size)
{
	uint8_t random[NOBODY_PASSWORD_LEN];
	char	password[2 * NOBODY_PASSWORD_LEN + 1];
	int	r;

	secret_random(random, sizeof(random));
	hex_encode(password, random, sizeof(random));
	r = auth_method_find(auth)->make("nobody", password, line, size);
	secret_wipe(random, sizeof(random));
	secret_wipe(password, sizeof(password));
	return r;
}

static bool
is_line(enum conf_auth auth, const char *line)
{
	const struct auth_method *method = auth_method_find(auth);

	return method != NULL && method->is_line(line);
}

/* Includes the file's time: `site disable` updates it to revoke all tokens. */
static void
digest_of(int dir_fd, const char *name, const char *line,
    uint8_t digest[SECRET_STORE_DIGEST_LEN])
{
	struct sha256_ctx ctx;
	struct stat	  st = { 0 };
	uint8_t		  when[16];

	(void)fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);
	wire_write_u64(when, (uint64_t)st.st_mtim.tv_sec);
	wire_write_u64(when + 8, (uint64_t)st.st_mtim.tv_nsec);
	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(when), when);
	sha256_update(&ctx, strlen(line), (const uint8_t *)line);
	sha256_digest(&ctx, SECRET_STORE_DIGEST_LEN, digest);
	secret_wipe(&ctx, sizeof(ctx));
}
