# SPDX-License-Identifier: GPL-2.0-or-later
DESC="OpenVPN 2.6.14 TAP over tcp, AES-256-GCM, defaults"
OV_DEV=tap
OV_PROTO=tcp
. "$HERE/peers/lib/openvpn.sh"
