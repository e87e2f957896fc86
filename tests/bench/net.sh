# SPDX-License-Identifier: GPL-2.0-or-later
# net: two namespaces with a cable between them, and what runs in them.
#
# One end (A) is the client's, the other (B) the server's.  The cable carries
# 1500 bytes; IPv6 is off; TCP is cubic, whatever the host has.

A=tbench-a B=tbench-b
UA=198.18.0.1 UB=198.18.0.2
HZ=$(getconf CLK_TCK)

die() { echo "bench: $*" >&2; exit 1; }
# Progress, on a terminal only, unless asked for.
note() {
	if [ -t 2 ] || [ "${PROGRESS:-no}" = yes ]; then
		echo "[$(date +%H:%M:%S)] $*" >&2
	fi
}
complain() { echo "bench: $*" >&2; }

inA() { ip netns exec "$A" "$@"; }
inB() { ip netns exec "$B" "$@"; }

# spawn A|B LOG COMMAND...: in that namespace; counts for CPU and memory.
spawn() {
	local side=$1 log=$2 ns=$A; shift 2
	[ "$side" = A ] || ns=$B
	ip netns exec "$ns" "$@" >"$RUN/$log" 2>&1 </dev/null 9>&- &
	if [ "$side" = A ]; then PIDS_A+=($!); else PIDS_B+=($!); fi
}

# Just before the client is started: set-up time counts from here.
client_starts() { T_CLIENT=$(date +%s%N); }

# waitfor SECONDS COMMAND...: until it succeeds.
waitfor() {
	local end=$(($(date +%s%N) + $1 * 1000000000)); shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$end" ] || return 1
		sleep 0.02
	done
}

net_up() {
	local n
	net_down
	ip netns add "$A" && ip netns add "$B" || die "cannot make namespaces"
	allow_cubic
	ip link add u0 netns "$A" type veth peer name u1 netns "$B"
	inA ip addr add $UA/24 dev u0
	inB ip addr add $UB/24 dev u1
	for n in "$A" "$B"; do
		ip netns exec "$n" ip link set lo up
		ip netns exec "$n" sysctl -qw \
			net.ipv4.tcp_congestion_control=cubic \
			net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
	done
	inA ip link set u0 up mtu 1500
	inB ip link set u1 up mtu 1500
	if [ "${WIRE:-no}" = yes ]; then # as a network card without TSO
		inA ethtool -K u0 tso off gso off tx-udp-segmentation off gro on
		inB ethtool -K u1 tso off gso off tx-udp-segmentation off gro on
	fi >/dev/null
	waitfor 3 inA ping -c1 -W1 $UB || die "the cable does not work"
}

# A namespace may choose only what the host allows.
allow_cubic() {
	local allowed
	allowed=$(sysctl -n net.ipv4.tcp_allowed_congestion_control)
	[[ " $allowed " == *" cubic "* ]] ||
		sysctl -qw "net.ipv4.tcp_allowed_congestion_control=$allowed cubic"
}

ns_pids() { { ip netns pids "$A"; ip netns pids "$B"; } 2>/dev/null || true; }

# Ends what runs in our two namespaces, and takes them away.
net_down() {
	local p i
	for p in $(ns_pids); do kill "$p" 2>/dev/null || true; done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ -n "$(ns_pids)" ] || break
		sleep 0.1
	done
	for p in $(ns_pids); do kill -9 "$p" 2>/dev/null || true; done
	ip netns del "$A" 2>/dev/null || true
	ip netns del "$B" 2>/dev/null || true
}

# tree PID...: them and all their descendants.
tree() {
	ps -eo pid=,ppid= | awk -v roots="$*" '
	BEGIN { n = split(roots, a, " "); for (i = 1; i <= n; i++) in_[a[i]] = 1 }
	{ parent[$1] = $2 }
	END {
		do {
			more = 0
			for (p in parent)
				if (!(p in in_) && (parent[p] in in_)) {
					in_[p] = 1; more = 1
				}
		} while (more)
		for (p in in_) if (p in parent) printf "%s ", p
	}'
}

# cpu_of PID...: ticks they have used so far, all threads.
cpu_of() {
	local p line sum=0
	for p in "$@"; do
		line=$(cat "/proc/$p/stat" 2>/dev/null) || continue
		line=${line##*) }
		set -- $line
		sum=$((sum + ${12} + ${13}))
	done
	echo $sum
}

# memory_of FIELD PID...: kB, of smaps_rollup (Rss, Pss).
memory_of() {
	local field=$1 p kb sum=0; shift
	for p in "$@"; do
		kb=$(awk -v f="$field:" '$1 == f { print $2 }' \
			"/proc/$p/smaps_rollup" 2>/dev/null) || continue
		sum=$((sum + ${kb:-0}))
	done
	echo $sum
}

# Ticks of the machine so far: busy, stolen, idle.
machine() { awk '/^cpu / { print $2+$3+$4+$7+$8, $9, $5+$6 }' /proc/stat; }
