# SPDX-License-Identifier: GPL-2.0-or-later
DESC="fastd 22 tap, udp, method salsa2012+umac, MTU 1406"
FD_METHOD="salsa2012+umac" FD_MTU=1406
. "$HERE/peers/lib/fastd.sh"
