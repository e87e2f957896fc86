# SPDX-License-Identifier: GPL-2.0-or-later
NEEDS="fastd"
# FD_METHOD, FD_MTU
peer_up() {
	local s
	for s in a b; do
		[ -e "$WORK/fastd-$s.key" ] || fastd --generate-key >"$WORK/fastd-$s.key" 2>/dev/null
	done
	local sa sb pa pb
	sa=$(sed -n 's/^Secret: //p' "$WORK/fastd-a.key"); pa=$(sed -n 's/^Public: //p' "$WORK/fastd-a.key")
	sb=$(sed -n 's/^Secret: //p' "$WORK/fastd-b.key"); pb=$(sed -n 's/^Public: //p' "$WORK/fastd-b.key")
	cat >"$RUN/b.conf" <<-C
	log level info;
	mode tap;
	interface "fd0";
	method "$FD_METHOD";
	mtu $FD_MTU;
	bind $UB:10000;
	secret "$sb";
	on up "ip link set fd0 up; ip addr add $OB/24 dev fd0";
	peer "a" { key "$pa"; }
	C
	cat >"$RUN/a.conf" <<-C
	log level info;
	mode tap;
	interface "fd0";
	method "$FD_METHOD";
	mtu $FD_MTU;
	bind $UA:10000;
	secret "$sa";
	on up "ip link set fd0 up; ip addr add $OA/24 dev fd0";
	peer "b" { key "$pb"; remote $UB:10000; }
	C
	spawn B b.log fastd --config "$RUN/b.conf"
	waitfor 5 inB ip link show fd0 || return 1
	client_starts
	spawn A a.log fastd --config "$RUN/a.conf"
}
