# SPDX-License-Identifier: GPL-2.0-or-later
# Devices are made by who sources this.
wg_key() { # a|b: the private key, made once
	[ -e "$WORK/wg-$1.key" ] || (umask 077; wg genkey >"$WORK/wg-$1.key")
	echo "$WORK/wg-$1.key"
}
wg_public() { wg pubkey <"$(wg_key "$1")"; }
wg_listen() { # DEVICE ADDRESS-OF-A, in B
	inB wg set "$1" listen-port 51820 private-key "$(wg_key b)" peer "$(wg_public a)" allowed-ips "$2/32"
}
wg_connect() { # DEVICE ADDRESS-OF-B, in A
	inA wg set "$1" private-key "$(wg_key a)" peer "$(wg_public b)" endpoint $UB:51820 allowed-ips "$2/32"
}
