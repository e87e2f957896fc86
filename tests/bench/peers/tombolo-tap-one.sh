# SPDX-License-Identifier: GPL-2.0-or-later
DESC="Tombolo TAP, one worker an end"
TOM_MODE=tap TOM_CONF="workers = 1"
. "$HERE/peers/lib/tombolo.sh"
