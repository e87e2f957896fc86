# SPDX-License-Identifier: GPL-2.0-or-later
DESC="SoftEther 5.01.9674, 1 TCP connection, no UDP acceleration, TLS 1.3 AES-256-GCM"
SE_TCP=1 SE_NOUDP=yes
. "$HERE/peers/lib/softether.sh"
