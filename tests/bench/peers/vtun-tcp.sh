# SPDX-License-Identifier: GPL-2.0-or-later
DESC="vtun 3.0.4 ether, tcp, encrypt yes (Blowfish-128-ECB)"
VT_PROTO=tcp VT_ENC=yes
. "$HERE/peers/lib/vtun.sh"
