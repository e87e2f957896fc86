# SPDX-License-Identifier: GPL-2.0-or-later
DESC="Tombolo TAP, tcp, TLS 1.3 AES-256-GCM, defaults"
TOM_MODE=tap TOM_TRANSPORT=tcp
. "$HERE/peers/lib/tombolo.sh"
