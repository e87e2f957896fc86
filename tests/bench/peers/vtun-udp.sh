# SPDX-License-Identifier: GPL-2.0-or-later
DESC="vtun 3.0.4 ether, udp, encrypt yes (Blowfish-128-ECB, no integrity)"
VT_PROTO=udp VT_ENC=yes
. "$HERE/peers/lib/vtun.sh"
