/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init_renew: the server's certificates anew, before their five years are over.
 *
 * CA and keys are kept: what satellites believe is the CA alone, and one file
 * that is replaced whole is never half of a pair.  A daemon that runs notices.
 */
#ifndef INIT_RENEW_H
#define INIT_RENEW_H

struct options;

/* Of the primary site that they name.  The exit status. */
int init_renew(const struct options *options);

#endif /* INIT_RENEW_H */
