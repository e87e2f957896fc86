# SPDX-License-Identifier: GPL-2.0-or-later
NEEDS="openvpn openssl"
# OV_DEV=tap|tun OV_PROTO=udp|tcp OV_EXTRA="option lines for both sides"
OV_DEV=${OV_DEV:-tap} OV_PROTO=${OV_PROTO:-udp} OV_EXTRA=${OV_EXTRA:-}
OV_CIPHER=${OV_CIPHER:-AES-256-GCM}

ov_pki() { # one P-256 CA, one server, one client certificate, made once
	P=$WORK/pki; [ -e "$P/client.crt" ] && return
	mkdir -p "$P"
	openssl ecparam -name prime256v1 -genkey -noout -out "$P/ca.key"
	openssl req -x509 -new -key "$P/ca.key" -days 3650 -subj /CN=bench-ca -out "$P/ca.crt" 2>/dev/null
	local n eku
	for n in server client; do
		[ $n = server ] && eku=serverAuth || eku=clientAuth
		openssl ecparam -name prime256v1 -genkey -noout -out "$P/$n.key"
		openssl req -new -key "$P/$n.key" -subj "/CN=$n" -out "$P/$n.csr" 2>/dev/null
		printf 'keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=%s\nsubjectAltName=DNS:%s,IP:%s\n' $eku $n $UB >"$P/$n.ext"
		openssl x509 -req -in "$P/$n.csr" -CA "$P/ca.crt" -CAkey "$P/ca.key" -CAcreateserial \
			-days 3650 -extfile "$P/$n.ext" -out "$P/$n.crt" 2>/dev/null
	done
	chmod 600 "$P"/*.key
}

peer_up() {
	ov_pki
	local sp=$OV_PROTO cp=$OV_PROTO
	[ $OV_PROTO = tcp ] && sp=tcp-server cp=tcp-client
	mkdir -p "$RUN/ccd"
	[ $OV_DEV = tun ] && echo "ifconfig-push $OA 255.255.255.0" >"$RUN/ccd/client"
	{
		cat <<-C
		mode server
		tls-server
		dev ov0
		dev-type $OV_DEV
		proto $sp
		local $UB
		port 1194
		ca $P/ca.crt
		cert $P/server.crt
		key $P/server.key
		dh none
		ifconfig $OB 255.255.255.0
		data-ciphers $OV_CIPHER
		client-config-dir $RUN/ccd
		keepalive 10 60
		persist-key
		verb 3
		C
		if [ $OV_DEV = tun ]; then printf 'topology subnet\npush "topology subnet"\n'; fi
		printf '%s\n' "$OV_EXTRA"
		[ $OV_PROTO = tcp ] && [ -n "${OV_TCP_EXTRA:-}" ] && printf '%s\n' "$OV_TCP_EXTRA"
	} >"$RUN/server.conf"
	{
		cat <<-C
		client
		dev ov0
		dev-type $OV_DEV
		proto $cp
		remote $UB 1194
		nobind
		ca $P/ca.crt
		cert $P/client.crt
		key $P/client.key
		remote-cert-tls server
		data-ciphers $OV_CIPHER
		persist-key
		verb 3
		C
		[ $OV_DEV = tap ] && echo "ifconfig $OA 255.255.255.0"
		printf '%s\n' "$OV_EXTRA"
	} >"$RUN/client.conf"
	spawn B server.log openvpn --config "$RUN/server.conf"
	waitfor 5 grep -q 'Initialization Sequence Completed' "$RUN/server.log" || return 1
	client_starts
	spawn A client.log openvpn --config "$RUN/client.conf"
}
