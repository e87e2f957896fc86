# SPDX-License-Identifier: GPL-2.0-or-later
NEEDS="tincd openssl"
# TI_EXTRA (lines for both tinc.conf), TI_HOST (lines for both host files)
peer_up() {
	local s other n
	for s in a b; do
		mkdir -p "$RUN/$s/hosts"
		[ $s = a ] && other=b || other=a
		{ printf 'Name = %s\nMode = switch\nInterface = ti0\nAddressFamily = ipv4\n' $s
		  [ $s = a ] && echo "ConnectTo = b"
		  printf '%s\n' "${TI_EXTRA:-}"; } >"$RUN/$s/tinc.conf"
		[ $s = a ] && n="$OA" || n="$OB"
		printf '#!/bin/sh\nip link set "$INTERFACE" up\nip addr add %s/24 dev "$INTERFACE"\n' "$n" >"$RUN/$s/tinc-up"
		chmod +x "$RUN/$s/tinc-up"
		[ $s = a ] && n=$UA || n=$UB
		printf 'Address = %s\n%s\n' $n "${TI_HOST:-}" >"$RUN/$s/hosts/$s"
		if [ ! -e "$WORK/tinc-$s.key" ]; then # 2048-bit RSA, made once
			openssl genrsa -traditional -out "$WORK/tinc-$s.key" 2048 2>/dev/null
			openssl rsa -in "$WORK/tinc-$s.key" -RSAPublicKey_out -out "$WORK/tinc-$s.pub" 2>/dev/null
		fi
		cp "$WORK/tinc-$s.key" "$RUN/$s/rsa_key.priv"; chmod 600 "$RUN/$s/rsa_key.priv"
		cat "$WORK/tinc-$s.pub" >>"$RUN/$s/hosts/$s"
	done
	cp "$RUN/a/hosts/a" "$RUN/b/hosts/"; cp "$RUN/b/hosts/b" "$RUN/a/hosts/"
	spawn B b.log tincd -D -d1 -c "$RUN/b" --pidfile="$RUN/b.pid"
	waitfor 5 grep -q Ready "$RUN/b.log" || return 1
	client_starts
	spawn A a.log tincd -D -d1 -c "$RUN/a" --pidfile="$RUN/a.pid"
}
SETTLE=6 # path MTU discovery
