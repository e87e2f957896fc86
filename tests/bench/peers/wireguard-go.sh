# SPDX-License-Identifier: GPL-2.0-or-later
DESC="wireguard-go 0.0.20220316 (Debian), L3 TUN, udp, ChaCha20-Poly1305, MTU 1420, no GSO"
WG_GO=${WG_GO:-wireguard-go}
NEEDS="$WG_GO wg"
. "$HERE/peers/lib/wireguard.sh"
peer_up() {
	spawn B b.log env LOG_LEVEL=error "$WG_GO" -f bwgB
	waitfor 5 inB wg show bwgB || return 1
	wg_listen bwgB $OA
	inB ip addr add $OB/24 dev bwgB; inB ip link set bwgB up mtu 1420
	client_starts
	spawn A a.log env LOG_LEVEL=error "$WG_GO" -f bwgA
	waitfor 5 inA wg show bwgA || return 1
	wg_connect bwgA $OB
	inA ip addr add $OA/24 dev bwgA; inA ip link set bwgA up mtu 1420
}
