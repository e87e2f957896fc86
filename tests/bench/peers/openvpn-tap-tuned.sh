# SPDX-License-Identifier: GPL-2.0-or-later
DESC="OpenVPN 2.6.14 TAP, udp, AES-256-GCM, sndbuf/rcvbuf 1 MB, fast-io, txqueuelen 1000"
OV_DEV=tap
OV_EXTRA='sndbuf 1048576
rcvbuf 1048576
fast-io
txqueuelen 1000'
. "$HERE/peers/lib/openvpn.sh"
