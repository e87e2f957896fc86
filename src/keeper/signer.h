/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signer: holds the server's private key, and signs with it on its own thread.
 *
 * A TLS handshake in the engine stands still until it has its signature, so
 * this waits for nothing else.  What is signed is a hash: nobody here can see of
 * what.  So only what TLS 1.3 needs is signed (ECDSA, RSA-PSS), and with the RSA
 * key what another method's handshake needs (auth_method.h); as often as an
 * honest server needs it; any other wish is logged.
 *
 * A key file is read at the start and whenever the engine has another chain.  A
 * key is used for a chain only when it is proven to be its own; then both are
 * kept in one file (0600), so that the last good pair survives this process,
 * and the daemon, while half a renewal lies in the files of the configuration.
 * The pair before it stays for the handshakes that began with it.
 *
 * Such a handshake's credentials are given out here, too, since GnuTLS cannot
 * wait for them otherwise: limited, because each can be cracked.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include <stddef.h>

struct signer;
struct secret_store;

/*
 * Serves SIGN, PAIR and TLS_SRP on `fd` (consumed).  `on_gone` is called,
 * on the signer's thread, when the other end went away or broke the rules.
 * `store` is borrowed.  Without a key its requests are answered with ENOENT.
 * NULL on failure, with the reason for the log in `why`.
 */
struct signer *signer_start(int fd, const struct secret_store *store,
    void (*on_gone)(void *arg), void *arg, char *why, size_t why_size);
void signer_stop(struct signer *signer);

#endif /* SIGNER_H */
