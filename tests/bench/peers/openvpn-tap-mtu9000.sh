# SPDX-License-Identifier: GPL-2.0-or-later
DESC="OpenVPN 2.6.14 TAP, udp, AES-256-GCM, as tuned plus tun-mtu 9000 and mssfix 0 (underlay fragments)"
OV_DEV=tap
OV_EXTRA='sndbuf 1048576
rcvbuf 1048576
fast-io
txqueuelen 1000
tun-mtu 9000
mssfix 0'
. "$HERE/peers/lib/openvpn.sh"
