/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_context: what the connections of one end have in common: certificates and
 * keys, whom to believe, and what TLS may be spoken.
 *
 * The struct is for tls.c and tls_srp.c; everybody else holds a pointer (tls.h).
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <stdbool.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "control/conn/tls.h"

struct tls_srp;

struct tls_context {
	unsigned refs;
	bool	 server;
	bool	 asks_sites; /* server: for a certificate of a site's */
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t		 priority; /* TLS 1.3 */
	gnutls_x509_crl_t		*crls;	   /* of sites' certificates */
	unsigned			 ncrls;
	struct tls_srp			*srp; /* NULL: no tls-srp; owned */
};

#endif /* TLS_CONTEXT_H */
