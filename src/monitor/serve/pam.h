/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam: starts PAM helpers (pam/pam_helper.h): one short-lived process for each
 * login, so that a module that hangs, leaks or crashes does not affect anything
 * else.
 *
 * At most PAM_MAX_HELPERS run at a time.  Each is killed after PAM_CHAT_SEC, or
 * when the engine closes the conversation, together with the programs that its
 * modules have started (its session).
 */
#ifndef PAM_H
#define PAM_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include "base/mono.h"
#include "proc/voucher.h"

#define PAM_MAX_HELPERS 24

struct conf;

struct pam_slot {
	struct pam     *pam;
	struct ev_child child;
	struct ev_timer timer; /* runs every second */
	struct mono	end;   /* its time is up */
	int		chat_fd; /* the helper's end, to notice the close */
	bool		used;
};

struct pam {
	struct ev_loop *loop; /* libev's default loop: it hears of children */
	uint8_t		voucher_key[VOUCHER_KEY_LEN]; /* shared with the keeper */
	struct pam_slot slots[PAM_MAX_HELPERS];
	unsigned	refused; /* because all were in use */
};

void pam_init(struct pam *pam, struct ev_loop *loop);
/* Kills the remaining helpers; wipes the key. */
void pam_fini(struct pam *pam);

/* Whether any site in `conf` uses PAM; if not, a request is not allowed. */
bool pam_is_used(const struct conf *conf);

/*
 * Starts a helper for `site`, which need not exist: then the answer is always
 * no.  Returns the descriptor of the conversation (the caller's), or a negative
 * errno value: -EAGAIN, too many; -ENOTSUP, not built.
 */
int pam_begin(struct pam *pam, const struct conf *conf, const char *site,
    const char *address);

#endif /* PAM_H */
