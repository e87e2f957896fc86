# SPDX-License-Identifier: GPL-2.0-or-later
OC_ARGS=${OC_ARGS:-}
. "$HERE/peers/lib/openvpn.sh"   # for the certificates
NEEDS="ocserv openconnect openssl"
peer_up() {
	ov_pki
	OA=10.99.0.10 OB=10.99.0.1   # ocserv hands out the addresses
	printf 'u:tost,bench:%s\n' "$(openssl passwd -5 benchpass)" | sed 's/tost,bench/*/' >"$RUN/passwd"
	cat >"$RUN/ocserv.conf" <<-C
	auth = "plain[passwd=$RUN/passwd]"
	listen-host = $UB
	tcp-port = 4443
	udp-port = 4443
	run-as-user = root
	run-as-group = root
	socket-file = $RUN/oc.sock
	server-cert = $P/server.crt
	server-key = $P/server.key
	ca-cert = $P/ca.crt
	isolate-workers = false
	max-clients = 4
	max-same-clients = 4
	keepalive = 300
	dpd = 60
	mtu-discovery = false
	tls-priorities = "NORMAL:%SERVER_PRECEDENCE:-VERS-TLS1.0:-VERS-TLS1.1"
	auth-timeout = 240
	cookie-timeout = 300
	rekey-time = 172800
	use-occtl = false
	pid-file = $RUN/oc.pid
	device = vpns
	predictable-ips = false
	ipv4-network = 10.99.0.0
	ipv4-netmask = 255.255.255.0
	config-per-user = $RUN/peruser
	cisco-client-compat = true
	dtls-legacy = true
	${OC_CONF:-}
	C
	mkdir -p "$RUN/peruser"; echo "explicit-ipv4 = $OA" >"$RUN/peruser/u"
	cat >"$RUN/script" <<-C
	#!/bin/sh
	[ "\$reason" = connect ] || exit 0
	ip link set dev "\$TUNDEV" up mtu "\$INTERNAL_IP4_MTU"
	ip addr add "\$INTERNAL_IP4_ADDRESS/32" peer $OB dev "\$TUNDEV"
	C
	chmod +x "$RUN/script"
	spawn B server.log ocserv -f -c "$RUN/ocserv.conf"
	waitfor 10 inB sh -c "ss -Hltn 'sport = :4443' | grep -q ." || return 1
	echo benchpass >"$RUN/pw"
	client_starts
	spawn A client.log sh -c "exec openconnect --non-inter --cafile '$P/ca.crt' --user=u --passwd-on-stdin --script '$RUN/script' --interface oc0 $OC_ARGS https://$UB:4443 <'$RUN/pw'"
}
SETTLE=3
