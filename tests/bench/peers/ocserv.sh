# SPDX-License-Identifier: GPL-2.0-or-later
DESC="ocserv 1.1.6 + openconnect 9.01, L3 TUN, GnuTLS 3.7.9 DTLS 1.2 AES-256-GCM, defaults"
. "$HERE/peers/lib/ocserv.sh"
