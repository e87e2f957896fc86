# SPDX-License-Identifier: GPL-2.0-or-later
# WG_MTU: of the WireGuard devices; what VXLAN carries inside is 50 bytes less.
NEEDS="wg" NEEDS_LINK=wireguard
. "$HERE/peers/lib/wireguard.sh"
peer_up() {
	local wa=10.98.0.1 wb=10.98.0.2
	inA ip link add wg0 mtu "$WG_MTU" type wireguard || return 1
	inB ip link add wg0 mtu "$WG_MTU" type wireguard || return 1
	wg_listen wg0 $wa && wg_connect wg0 $wb || return 1
	inA ip addr add $wa/24 dev wg0; inA ip link set wg0 up
	inB ip addr add $wb/24 dev wg0; inB ip link set wg0 up
	inA ip link add vx0 mtu $((WG_MTU - 50)) type vxlan id 42 local $wa remote $wb dev wg0 dstport 4789 || return 1
	inB ip link add vx0 mtu $((WG_MTU - 50)) type vxlan id 42 local $wb remote $wa dev wg0 dstport 4789 || return 1
	inA ip addr add $OA/24 dev vx0; inB ip addr add $OB/24 dev vx0
	inB ip link set vx0 up; client_starts; inA ip link set vx0 up
}
