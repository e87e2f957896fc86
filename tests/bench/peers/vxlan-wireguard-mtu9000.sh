# SPDX-License-Identifier: GPL-2.0-or-later
# Its best setting where the path loses nothing, as openvpn-tap-mtu9000.
DESC="kernel VXLAN over kernel WireGuard, L2, ChaCha20-Poly1305, MTU 9000 inside (underlay fragments)"
WG_MTU=9050
. "$HERE/peers/lib/vxlan-wireguard.sh"
