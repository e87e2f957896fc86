/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verifier: checks passwords on threads of its own, since each takes its time.
 *
 * A bounded queue, served in order by KEEPER_WORKERS threads, which read the
 * site's hash when its turn comes.  A site that is not known, or whose file is
 * missing or bad, costs the same work as any other and gets a no.
 */
#ifndef VERIFIER_H
#define VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct verifier;

/*
 * One password's verdict, in the loop's thread.  `error` is 0, or a negative
 * errno value of credentials_password_hash() for a site that is known;
 * `site` is borrowed.
 */
typedef void verifier_done(void *arg, uint32_t id, bool yes, const char *site,
    int error);

/* `dir_fd` is borrowed.  NULL on failure (errno is set). */
struct verifier *verifier_new(struct ev_loop *loop, int dir_fd,
    verifier_done *done, void *arg);
/* Waits for the hashes under way; the rest are forgotten without a verdict. */
void verifier_free(struct verifier *verifier);

/* The password is copied.  0, -EAGAIN when the queue is full, -ENOMEM. */
int verifier_submit(struct verifier *verifier, uint32_t id, const char *site,
    bool known, const char *password, size_t len);

#endif /* VERIFIER_H */
