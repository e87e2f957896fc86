# SPDX-License-Identifier: GPL-2.0-or-later
DESC="kernel VXLAN, L2, no encryption, overlay MTU 1500 (outer packets fragmented when not offloaded), offloads on"
NEEDS_LINK=vxlan
peer_up() {
	inA ip link add vx0 type vxlan id 42 local $UA remote $UB dstport 4789
	inB ip link add vx0 type vxlan id 42 local $UB remote $UA dstport 4789
	inA ip addr add $OA/24 dev vx0; inB ip addr add $OB/24 dev vx0
	inA ip link set vx0 up; client_starts; inB ip link set vx0 up
}
