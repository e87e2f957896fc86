# SPDX-License-Identifier: GPL-2.0-or-later
DESC="no VPN: the veth pair with tso/gso/gro off, one skb per 1500-byte frame"
peer_up() {
	OA=$UA OB=$UB
	inA ethtool -K u0 tso off gso off gro off >/dev/null
	inB ethtool -K u1 tso off gso off gro off >/dev/null
	client_starts
}
