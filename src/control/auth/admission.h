/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admission: whether a client that has not logged in may have now what it asks
 * a hub for.
 *
 * This is all that a flood of unknown clients can do to a hub, and what is left
 * for known sites meanwhile.  A client is known if it comes from the address
 * that the site last logged in from; addresses are compared as networks
 * (addr_network(): an IPv4 address, or an IPv6 /64).
 *
 *   what               unknown clients                  known ones
 *   -----------------  -------------------------------  -----------------------
 *   a connection       max-handshakes; then the network last to be evicted; evicts
 *                      with most loses its oldest       unknown ones in any state
 *   an attempt         delayed after ADMISSION_FREE at  delayed only by failures
 *                      a site from a network, 20 from   at this site from this
 *                      a network, 50 at a site          network
 *   the keeper's time  all requests but 32              all of them
 *   a PAM helper       8 at a time, 4 for a network;    8 for a network; 4 a
 *                      3 a second                       second, their own
 *   a tls-srp verifier 6 a second                       whatever the keeper gives
 *
 * An attempt is charged when it begins, so that hanging up does not make it free,
 * and forgiven when it succeeds.  Each one above the free ones doubles the delay,
 * from one second to the longest; each longest delay without one takes back one.
 * Names are scored as they are claimed, whether there is such a site or not, so
 * that the answers tell nothing.  This is not a weapon: attempts from elsewhere,
 * or at other sites, delay no known site, and tokens and certificates, which
 * nobody can guess, are never delayed.
 *
 * The monitor ends an engine that asks for too many PAM helpers, and the keeper
 * refuses too many requests.  Unknown and known clients together get less than
 * that, so that no flood gets there.
 *
 * With max-handshakes connections, another one evicts one.  But after a restart
 * the crowd is our own sites: evicted by each other, none gets through.  So there
 * is a grace time in which nobody is evicted and new connections wait in the
 * kernel's backlog: for ADMISSION_GRACE_START_US at first, and a little more for
 * each site that logs in, at most once a minute, so that one site cannot prolong
 * it again and again.  Unknown clients that fill the hub can keep sites waiting in
 * the first grace time, and only then.
 *
 * Memory is bounded: when the table of scores is full, the one that would be
 * forgotten first makes room.  Pure: the caller passes the time.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "base/mono.h"
#include "conf/conf.h"

#define ADMISSION_FREE		 5   /* attempts before the first delay */
#define ADMISSION_MAX_SEC	 300 /* the longest delay */
#define ADMISSION_SCORES	 4096
#define ADMISSION_GRACE_START_US (3 * MONO_SEC)

struct incoming;

/* How far a login is (auth_server.h). */
enum applicant_state {
	APPLICANT_NEW,	   /* it has not said hello */
	APPLICANT_PROOF,   /* a token came; its proof is next */
	APPLICANT_ASKED,   /* a challenge is out */
	APPLICANT_LOOKING, /* keeper or PAM is at work */
	APPLICANT_DONE
};

/* A connection that has not logged in. */
struct applicant {
	struct incoming	    *incoming; /* whose it is */
	enum applicant_state state;
	struct addr	     from, network;
	bool		     from_known_address; /* of the site that it claims */
	bool		     from_any_known_address;
	bool		     has_helper; /* of PAM */
	LIST_ENTRY(applicant) entry;
};

/* Attempts in vain: at one site from one network, from a network, at a site. */
struct admission_score {
	unsigned    kind;
	char	    site[CONF_NAME_MAX + 1]; /* "": any */
	struct addr network;		     /* family 0: any */
	struct mono forgotten;		     /* then it is 0 attempts again */
	struct mono until;		     /* no other attempt before */
};

struct admission {
	LIST_HEAD(, applicant) applicants; /* the newest first */
	struct bucket pam_unknown, pam_known, srp_unknown;
	struct mono   grace_end;
	uint64_t      seed; /* of the hashes, so that nobody can aim */
	struct admission_score scores[ADMISSION_SCORES];
};

/* A hub starts.  There is nothing to free. */
void admission_init(struct admission *admission, struct mono now);

/* A connection came, or has logged in or ended. */
void admission_arrive(struct admission *admission, struct applicant *applicant,
    const struct addr *from);
void admission_leave(struct applicant *applicant);

/* Whether nobody is to be evicted now: new connections wait. */
bool admission_has_grace(const struct admission *admission, struct mono now);
/* A site has logged in.  `*next` is the site's own, zero at first. */
void admission_came_in(struct admission *admission, struct mono *next,
    struct mono now);

/*
 * Whom a new connection evicts: of those that wait for the other end, the oldest
 * of the network that has most; before hello rather than after it; from a site's
 * known address last of all.  If it comes from such an address itself
 * (`for_known`), also an unknown client that the keeper works for.  NULL: nobody.
 */
struct applicant *admission_evict(struct admission *admission, bool for_known);

/* What an attempt needs. */
enum admission_need {
	ADMISSION_NOTHING,
	ADMISSION_KEEPER,
	ADMISSION_PAM,
	ADMISSION_TLS_SRP
};

/*
 * An attempt to prove that it is `site`, while the keeper has `keeper_asks`
 * requests under way.  0: it may, and is charged; > 0: it must wait for so many
 * seconds; -EAGAIN: there is no room for it now.
 */
int admission_attempt(struct admission *admission,
    const struct applicant *applicant, const char *site,
    enum admission_need need, unsigned keeper_asks, struct mono now);
/* It was right: its charge is taken back, and what that network had there. */
void admission_forgive(struct admission *admission,
    const struct applicant *applicant, const char *site, struct mono now);
/* The proof was not verified: takes back only the charge of this attempt. */
void admission_undo(struct admission *admission,
    const struct applicant *applicant, const char *site, struct mono now);

/* For status: who must wait, longest first; returns how many, at most `max`. */
struct admission_row {
	const struct admission_score *score;
	unsigned attempts, wait_sec;
};
size_t admission_list(const struct admission *admission,
    struct admission_row *rows, size_t max, struct mono now);

#endif /* ADMISSION_H */
