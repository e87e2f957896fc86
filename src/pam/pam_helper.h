/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam_helper: one PAM conversation, in a process of its own.
 *
 * Made by the monitor for one attempt, as root, since modules need that; killed
 * by it when it takes too long.  It reads one thing of unknown clients: the
 * answers to the modules' prompts, which it hands over as they are
 * (proc/pam_chat.h).
 *
 * PAM is asked for whoever comes, whether a site of that name may use it or not,
 * so that both take the same time.  But where `known` says no, it is asked about
 * a user that cannot exist, and told an answer that is nobody's: it must neither
 * try passwords of this host's accounts nor count failures against them.
 */
#ifndef PAM_HELPER_H
#define PAM_HELPER_H

#include "proc/proc.h"

#define PAM_HELPER_CHAT_FD    PROC_CHAN_FD
#define PAM_HELPER_VOUCHER_FD (PROC_CHAN_FD + 1) /* proc/voucher.h */
#define PAM_HELPER_TASK_FD    (PROC_CHAN_FD + 2) /* struct pam_chat_task */

/* The process.  Exit status. */
int pam_helper_main(void);

#endif /* PAM_HELPER_H */
