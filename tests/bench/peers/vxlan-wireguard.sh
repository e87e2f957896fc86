# SPDX-License-Identifier: GPL-2.0-or-later
DESC="kernel VXLAN over kernel WireGuard, L2, ChaCha20-Poly1305, MTU 1420 as wg-quick sets it, 1370 inside"
WG_MTU=1420
. "$HERE/peers/lib/vxlan-wireguard.sh"
