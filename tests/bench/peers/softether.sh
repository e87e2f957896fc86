# SPDX-License-Identifier: GPL-2.0-or-later
DESC="SoftEther 5.01.9674, virtual hub + local bridge tap, its defaults: 1 TCP connection (TLS 1.3), UDP acceleration active (after about 10 s)"
SE_SETTLE=18
. "$HERE/peers/lib/softether.sh"
