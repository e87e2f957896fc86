/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signer: holds the server's private key, and signs with it on its own thread.
 *
 * A TLS handshake in the engine stands still until it has its signature, so
 * this waits for nothing else.  The key is read once, at the start.  What is
 * signed is a hash: nobody here can see of what.  So only what a TLS 1.3
 * server needs is signed (ECDSA, RSA-PSS), and any other wish is logged.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include <stddef.h>

struct signer;

/*
 * Serves SIGN and SIGN_INFO on `fd` (consumed).  `on_gone` is called on the
 * signer's thread when the other end went away or broke the rules.  Without
 * server.key every request is answered with ENOENT.  NULL on failure, with the
 * reason for the log in `why`.
 */
struct signer *signer_start(int fd, int dir_fd, void (*on_gone)(void *arg),
    void *arg, char *why, size_t why_size);
void signer_stop(struct signer *signer);

#endif /* SIGNER_H */
