# SPDX-License-Identifier: GPL-2.0-or-later
DESC="Tombolo TUN (L3), udp, DTLS 1.2 AES-128-GCM, defaults"
TOM_MODE=tun
. "$HERE/peers/lib/tombolo.sh"
