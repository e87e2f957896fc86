# SPDX-License-Identifier: GPL-2.0-or-later
DESC="vtun 3.0.4 ether, tcp, encrypt aes128cbc (no integrity)"
VT_PROTO=tcp VT_ENC=aes128cbc
. "$HERE/peers/lib/vtun.sh"
