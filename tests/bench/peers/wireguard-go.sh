# SPDX-License-Identifier: GPL-2.0-or-later
DESC="wireguard-go 0.0.20220316 (Debian), L3 TUN, udp, ChaCha20-Poly1305, MTU 1420, no GSO"
WG_GO=${WG_GO:-wireguard-go}
NEEDS="$WG_GO wg"
peer_up() {
	local s
	for s in a b; do
		[ -e "$WORK/wg-$s.key" ] || (umask 077; wg genkey >"$WORK/wg-$s.key")
	done
	spawn B b.log env LOG_LEVEL=error "$WG_GO" -f bwgB
	waitfor 5 inB wg show bwgB || return 1
	inB wg set bwgB listen-port 51820 private-key "$WORK/wg-b.key" peer "$(wg pubkey <"$WORK/wg-a.key")" allowed-ips $OA/32
	inB ip addr add $OB/24 dev bwgB; inB ip link set bwgB up mtu 1420
	client_starts
	spawn A a.log env LOG_LEVEL=error "$WG_GO" -f bwgA
	waitfor 5 inA wg show bwgA || return 1
	inA wg set bwgA private-key "$WORK/wg-a.key" peer "$(wg pubkey <"$WORK/wg-b.key")" endpoint $UB:51820 allowed-ips $OB/32
	inA ip addr add $OA/24 dev bwgA; inA ip link set bwgA up mtu 1420
}
