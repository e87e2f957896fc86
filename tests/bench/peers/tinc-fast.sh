# SPDX-License-Identifier: GPL-2.0-or-later
DESC="tinc 1.0.36 switch mode, udp, AES-128-CBC + SHA-1, 1 MB socket buffers"
TI_HOST='Cipher = aes-128-cbc
Digest = sha1'
TI_EXTRA='UDPRcvBuf = 1048576
UDPSndBuf = 1048576'
. "$HERE/peers/lib/tinc.sh"
