# SPDX-License-Identifier: GPL-2.0-or-later
DESC="OpenVPN 2.6.14 TAP, udp, TLS, AES-256-GCM (OpenSSL 3.0.19), defaults"
OV_DEV=tap
. "$HERE/peers/lib/openvpn.sh"
