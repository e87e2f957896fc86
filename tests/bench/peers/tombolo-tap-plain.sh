# SPDX-License-Identifier: GPL-2.0-or-later
DESC="Tombolo TAP, every offload switched off"
TOM_MODE=tap TOM_CONF="no-offload = all"
. "$HERE/peers/lib/tombolo.sh"
