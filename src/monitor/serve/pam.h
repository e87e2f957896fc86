/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam: the monitor's PAM helpers: one short-lived process an attempt
 * (pam/pam_helper.h), so that a module that hangs, leaks or crashes hurts
 * nobody else.
 *
 * At most PAM_MAX_HELPERS at a time; each is killed after PAM_CHAT_SEC, or when
 * nobody waits for it any more, with what its modules have started (its
 * session).
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
	struct ev_timer timer; /* looks every second */
	struct mono	end;   /* its time is up */
	int		chat_fd; /* the helper's end, to see the other one go */
	bool		used;
};

struct pam {
	struct ev_loop *loop; /* libev's default loop: it hears of children */
	uint8_t		voucher_key[VOUCHER_KEY_LEN]; /* shared with the keeper */
	struct pam_slot slots[PAM_MAX_HELPERS];
	unsigned	refused; /* there was no slot */
};

void pam_init(struct pam *pam, struct ev_loop *loop);
/* Kills those that are left; wipes the key. */
void pam_fini(struct pam *pam);

/* Whether `conf` has PAM for any site: else nobody may ask. */
bool pam_is_used(const struct conf *conf);

/*
 * Starts a helper for `site`, which may be nobody's name: then the answer is no
 * in the end.  Returns the conversation's descriptor (the caller's), or a
 * negative errno value: -EAGAIN, there are too many; -ENOTSUP, not built.
 */
int pam_begin(struct pam *pam, const struct conf *conf, const char *site,
    const char *address);

#endif /* PAM_H */
