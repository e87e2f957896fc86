# SPDX-License-Identifier: GPL-2.0-or-later
DESC="tinc 1.0.36 switch mode, udp, default cipher AES-256-CBC + SHA-256 (truncated MAC), OpenSSL 3.0"
. "$HERE/peers/lib/tinc.sh"
