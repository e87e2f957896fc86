# SPDX-License-Identifier: GPL-2.0-or-later
DESC="kernel VXLAN, L2, no encryption, overlay MTU 1500 (outer packets fragmented when not offloaded), tso/gso/gro off everywhere"
. "$HERE/peers/vxlan.sh"
eval "vx_base() $(declare -f peer_up | tail -n +2)"
peer_up() {
	vx_base
	inA ethtool -K u0 tso off gso off gro off >/dev/null; inB ethtool -K u1 tso off gso off gro off >/dev/null
	inA ethtool -K vx0 tso off gso off gro off >/dev/null; inB ethtool -K vx0 tso off gso off gro off >/dev/null
}
DESC="kernel VXLAN, L2, no encryption, overlay MTU 1500 (outer packets fragmented when not offloaded), tso/gso/gro off everywhere"
