# SPDX-License-Identifier: GPL-2.0-or-later
NEEDS="edge supernode"
N2_MTU=${N2_MTU:-1400}
peer_up() {
	spawn B sn.log supernode -l 7654
	spawn B b.log edge -d n2 -a $OB -s 255.255.255.0 -c bench -k benchkey -l $UB:7654 -p 7655 -M $N2_MTU -m 02:00:00:00:00:0b
	waitfor 5 inB ip link show n2 || return 1
	sleep 1
	client_starts
	spawn A a.log edge -d n2 -a $OA -s 255.255.255.0 -c bench -k benchkey -l $UB:7654 -p 7655 -M $N2_MTU -m 02:00:00:00:00:0a
}
SETTLE=4
