# SPDX-License-Identifier: GPL-2.0-or-later
DESC="Tombolo TAP, udp, DTLS 1.2 AES-128-GCM by GnuTLS alone"
TOM_MODE=tap TOM_CONF="aead = gnutls"
. "$HERE/peers/lib/tombolo.sh"
