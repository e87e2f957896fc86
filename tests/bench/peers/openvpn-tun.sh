# SPDX-License-Identifier: GPL-2.0-or-later
DESC="OpenVPN 2.6.14 TUN (L3), udp, AES-256-GCM, defaults"
OV_DEV=tun
. "$HERE/peers/lib/openvpn.sh"
