# SPDX-License-Identifier: GPL-2.0-or-later
# Against tombolo-tap in the same run: TOMBOLO_OTHER=/path/to/the/other/binary
DESC="Tombolo TAP, defaults, of another build"
TOM_MODE=tap
TOMBOLO=${TOMBOLO_OTHER:-tombolo-of-another-build}
. "$HERE/peers/lib/tombolo.sh"
