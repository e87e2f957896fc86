# SPDX-License-Identifier: GPL-2.0-or-later
NEEDS="vtund"
# VT_PROTO udp|tcp, VT_ENC yes|no|aes128cbc...
peer_up() {
	cat >"$RUN/vtund.conf" <<-C
	options { port 5000; timeout 60; ifconfig /sbin/ifconfig; ip /sbin/ip; syslog daemon; }
	default { compress no; speed 0; }
	bench {
	  passwd benchpass;
	  type ether;
	  proto $VT_PROTO;
	  encrypt $VT_ENC;
	  keepalive yes;
	  device VTDEV;
	  up {
	    ip "link set %% up";
	    ip "addr add VTIP/24 dev %%";
	  };
	}
	C
	# Blowfish lives in the legacy provider of OpenSSL 3; without it vtund crashes
	cat >"$RUN/ssl.cnf" <<-C
	openssl_conf = o
	[o]
	providers = p
	[p]
	default = d
	legacy = d
	[d]
	activate = 1
	C
	sed "s/VTDEV/vt0/; s/VTIP/$OB/" "$RUN/vtund.conf" >"$RUN/b.conf"
	sed "s/VTDEV/vt0/; s/VTIP/$OA/" "$RUN/vtund.conf" >"$RUN/a.conf"
	spawn B b.log env OPENSSL_CONF="$RUN/ssl.cnf" vtund -n -s -f "$RUN/b.conf" -P 5000 -L $UB
	waitfor 5 inB sh -c "ss -Hltn 'sport = :5000' | grep -q ." || return 1
	client_starts
	spawn A a.log env OPENSSL_CONF="$RUN/ssl.cnf" vtund -n -f "$RUN/a.conf" -P 5000 bench $UB
}
