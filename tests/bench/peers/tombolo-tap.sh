# SPDX-License-Identifier: GPL-2.0-or-later
DESC="Tombolo TAP, udp, DTLS 1.2 AES-128-GCM, defaults"
TOM_MODE=tap
. "$HERE/peers/lib/tombolo.sh"
