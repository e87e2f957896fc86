/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signer: holds the server's private key, and signs with it on its own thread.
 *
 * A TLS handshake blocks the engine until it has its signature, so the signer
 * waits for nothing else.  It signs a hash and cannot see of what.  So it signs
 * only what TLS 1.3 needs (ECDSA, RSA-PSS), with the RSA key also what another
 * method's handshake needs (auth_method.h), and no more often than an
 * uncompromised server needs.  Other requests are logged.
 *
 * It reads a key file at the start and whenever the engine has a new chain.  It
 * uses a key only after verifying that it belongs to the chain.  Then both are
 * stored in one file (0600), so that the last valid pair survives this process
 * and the daemon, even if the configuration's files are replaced only in part.
 * The previous pair is kept for handshakes under way.
 *
 * It also gives out the credentials for tls-srp handshakes, because GnuTLS
 * cannot wait for them otherwise; their number is limited, because each can be
 * cracked.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include <stddef.h>

struct signer;
struct secret_store;

/*
 * Serves SIGN, PAIR and TLS_SRP on `fd` (consumed). Calls `on_gone` on its
 * thread when the other end is gone or breaks the protocol.  `store` is
 * borrowed.  Without a key it answers with ENOENT. NULL on failure, with the
 * reason for the log in `why`.
 */
struct signer *signer_start(int fd, const struct secret_store *store,
    void (*on_gone)(void *arg), void *arg, char *why, size_t why_size);
void signer_stop(struct signer *signer);

#endif /* SIGNER_H */
