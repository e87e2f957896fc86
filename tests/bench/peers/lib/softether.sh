# SPDX-License-Identifier: GPL-2.0-or-later
NEEDS="vpnserver vpnclient vpncmd"
# SE_TCP number of TCP connections, SE_NOUDP=yes turns UDP acceleration off
se_spawn() { # side log binary: private state directories (netns exec has its own mounts)
	mkdir -p /var/lib/softether /run/softether "$RUN/lib$1" "$RUN/run$1"
	spawn $1 $2 sh -c "mount --bind '$RUN/lib$1' /var/lib/softether && mount --bind '$RUN/run$1' /run/softether && exec $3 execsvc"
}
se_srv() { inB vpncmd 127.0.0.1:5555 /SERVER "$@" >>"$RUN/cmd.log" 2>&1; }
se_cli() { inA vpncmd 127.0.0.1 /CLIENT "$@" </dev/null >>"$RUN/cmd.log" 2>&1; }
peer_up() {
	se_spawn B server.log vpnserver
	se_spawn A client.log vpnclient
	waitfor 15 inB sh -c "ss -Hltn 'sport = :5555' | grep -q ." || return 1
	waitfor 15 inA sh -c "ss -Hltn 'sport = :9931' | grep -q ." || return 1
	cat >"$RUN/srv.txt" <<-C
	ServerCipherSet ${SE_CIPHER:-ECDHE-RSA-AES256-GCM-SHA384}
	HubCreate bench /PASSWORD:x
	BridgeCreate bench /DEVICE:soft /TAP:yes
	Hub bench
	UserCreate u /GROUP:none /REALNAME:none /NOTE:none
	UserPasswordSet u /PASSWORD:benchpass
	C
	se_srv /IN:"$RUN/srv.txt" </dev/null || return 1
	waitfor 10 inB ip link show tap_soft || return 1
	inB ip addr add $OB/24 dev tap_soft; inB ip link set tap_soft up
	se_cli /CMD NicCreate vpn0 || return 1
	se_cli /CMD AccountCreate acc /SERVER:$UB:5555 /HUB:bench /USERNAME:u /NICNAME:vpn0 || return 1
	se_cli /CMD AccountPasswordSet acc /PASSWORD:benchpass /TYPE:standard || return 1
	se_cli /CMD AccountDetailSet acc /MAXTCP:${SE_TCP:-1} /INTERVAL:1 /TTL:0 /HALF:no /BRIDGE:yes /MONITOR:no /NOTRACK:yes /NOQOS:yes /DISABLEUDP:${SE_NOUDP:-no} || return 1
	waitfor 5 inA ip link show vpn_vpn0 || return 1
	inA ip addr add $OA/24 dev vpn_vpn0; inA ip link set vpn_vpn0 up
	client_starts
	se_cli /CMD AccountConnect acc
}
peer_down() { inA vpncmd 127.0.0.1 /CLIENT /CMD AccountStatusGet acc >"$RUN/status.log" 2>&1 </dev/null; }
SETTLE=${SE_SETTLE:-4}
