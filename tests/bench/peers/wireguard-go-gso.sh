# SPDX-License-Identifier: GPL-2.0-or-later
# A wireguard-go of 2023 or newer (Debian 13 has one): WG_GO_NEW=/path/to/it
WG_GO=${WG_GO_NEW:-wireguard-go-of-2023}
. "$HERE/peers/wireguard-go.sh"
DESC="wireguard-go of 2023 or newer, L3 TUN, ChaCha20-Poly1305, MTU 1420, vnet_hdr TSO/GRO + UDP GSO/GRO"
