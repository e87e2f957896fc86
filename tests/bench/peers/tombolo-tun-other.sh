# SPDX-License-Identifier: GPL-2.0-or-later
# Against tombolo-tun in the same run: TOMBOLO_OTHER=/path/to/the/other/binary
DESC="Tombolo TUN, defaults, of another build"
TOM_MODE=tun
TOMBOLO=${TOMBOLO_OTHER:-tombolo-of-another-build}
. "$HERE/peers/lib/tombolo.sh"
