# SPDX-License-Identifier: GPL-2.0-or-later
DESC="fastd 22 tap, udp, method aes128-gcm, MTU 1406"
FD_METHOD="aes128-gcm" FD_MTU=1406
. "$HERE/peers/lib/fastd.sh"
