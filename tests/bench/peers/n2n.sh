# SPDX-License-Identifier: GPL-2.0-or-later
DESC="n2n 1.3.1 (edge to edge, udp), Twofish-CBC, MTU 1400 (its default)"
. "$HERE/peers/lib/n2n.sh"
