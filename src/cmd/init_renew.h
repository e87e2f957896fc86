/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init_renew: renews the server's certificates before their five years are
 * over.
 *
 * CA and keys are kept: satellites trust the CA only, and a single file that is
 * replaced atomically always matches its key.  A running daemon notices the
 * change.
 */
#ifndef INIT_RENEW_H
#define INIT_RENEW_H

struct options;

/* Renews those of the primary site in the options.  Returns the exit status. */
int init_renew(const struct options *options);

#endif /* INIT_RENEW_H */
