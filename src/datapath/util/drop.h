/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drop: the reasons for which a frame is dropped, each with a counter.
 *
 * The list defines the enum, the counters, the lines of `status` and the
 * paragraph in tombolo(8) (a test compares). A function that handles a frame
 * returns DROP_NONE if it passed the frame on, or the reason why not.
 */
#ifndef DROP_H
#define DROP_H

/* clang-format off */
#define DROP_REASONS(X)							\
	X(MALFORMED,	"malformed",	"not a datagram of ours")	\
	X(NO_SESSION,	"no-session",	"no session has this number")		\
	X(WRONG_WORKER,	"wrong-worker",	"it came by another worker's socket than the lane's") \
	X(NO_KEY,	"no-key",	"the lane is not up, or in another phase")	\
	X(HANDSHAKE,	"handshake",	"a handshake record without a valid MAC, or too late") \
	X(REPLAYED,	"replayed",	"a record that was seen before")	\
	X(OLD,		"old",		"a record older than the replay window")	\
	X(FORGED,	"forged",	"the authentication tag does not match")	\
	X(BAD_ITEM,	"bad-item",	"a record's content does not parse")	\
	X(BAD_FRAGMENT,	"bad-fragment",	"a fragment that contradicts its frame")	\
	X(FRAGMENT_LOST, "fragment-lost", "a frame of which fragments were lost") \
	X(BAD_FRAME,	"bad-frame",	"too short, too long, or a forbidden address")	\
	X(LINK_LOCAL,	"link-local",	"01:80:c2:00:00:0x is not forwarded")	\
	X(BLOCKED,	"blocked",	"the port is blocked because of a loop")	\
	X(HAIRPIN,	"hairpin",	"the destination is where it came from")	\
	X(NO_ROUTE,	"no-route",	"no site has this address")		\
	X(BAD_SOURCE,	"bad-source",	"the source is not one of the site's")	\
	X(NO_LANE,	"no-lane",	"no lane of the site is up, and TCP is not allowed") \
	X(TOO_LARGE,	"too-large",	"larger than the path, or more than 64 fragments") \
	X(KEY_LIMIT,	"key-limit",	"the lane's key has reached its limit")	\
	X(SEAL,		"seal",		"the record could not be sealed")	\
	X(SOCKET,	"socket",	"the UDP socket refused it")	\
	X(QUEUE,	"queue",	"more came from the device than can be sent in time") \
	X(DEVICE,	"device",	"the device refused it")		\
	X(TCP_QUEUE,	"tcp-queue",	"more for the control connection than it sends in time") \
	X(MAILBOX,	"mailbox",	"too much under way between two threads")
/* clang-format on */

enum drop {
	DROP_NONE,
#define DROP_ENUM(id, name, what) DROP_##id,
	DROP_REASONS(DROP_ENUM)
#undef DROP_ENUM
	    DROP_MAX
};

/* The name in `status` and the manual: "replayed". */
const char *drop_name(enum drop reason);

#endif /* DROP_H */
