# SPDX-License-Identifier: GPL-2.0-or-later
DESC="fastd 22 tap, udp, method null, MTU 1500"
FD_METHOD="null" FD_MTU=1500
. "$HERE/peers/lib/fastd.sh"
