# SPDX-License-Identifier: GPL-2.0-or-later
# grow: a hub with more and more connected sites, and more and more addresses.
#
# Four namespaces: the hub's, one each for the two sites between which frames
# are forwarded, and one for all the idle ones.  These are real satellites with
# one worker each.

GROW_SITES=${GROW_SITES:-2 10 100 300 1000}
GROW_ADDRESSES=${GROW_ADDRESSES:-100 1000 10000 100000}
GROW_ROUNDS=${GROW_ROUNDS:-3}
HUB=198.18.255.1
GROW_NS=(tbench-hub tbench-x tbench-y tbench-idle)
ns() { local name=tbench-$1; shift; ip netns exec "$name" "$@"; }
at_hub() { "$TOMBOLO" "$@" --socket "$SCRATCH/hub/sock"; }

grow() {
	trap 'grow_down; rm -rf "$SCRATCH"' EXIT
	grow_down
	grow_net
	grow_hub
	grow_sites
	grow_addresses
	"$HERE/grow.py" "$OUT_DIR"
}

grow_down() {
	local n p
	for n in "${GROW_NS[@]}"; do
		for p in $(ip netns pids "$n" 2>/dev/null); do
			kill "$p" 2>/dev/null || true
		done
	done
	for n in "${GROW_NS[@]}"; do
		waitfor 20 sh -c "! ip netns pids $n 2>/dev/null | grep -q ." ||
			complain "something goes on in $n"
		ip netns del "$n" 2>/dev/null || true
	done
}

grow_net() {
	local n i=0
	allow_cubic
	for n in "${GROW_NS[@]}"; do
		ip netns add "$n"
		ip netns exec "$n" ip link set lo up
		ip netns exec "$n" sysctl -qw \
			net.ipv4.tcp_congestion_control=cubic \
			net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
	done
	ns hub ip addr add $HUB/32 dev lo
	for n in x y idle; do
		i=$((i + 1))
		ip link add "to-$n" netns tbench-hub type veth peer name up0 \
			netns "tbench-$n"
		ns hub ip addr add "198.18.$i.1/24" dev "to-$n"
		ns hub ip link set "to-$n" up
		ns "$n" ip addr add "198.18.$i.2/24" dev up0
		ns "$n" ip link set up0 up
		ns "$n" ip route add $HUB via "198.18.$i.1"
	done
}

# add_lines FILE SECTION LINES
add_lines() {
	awk -v section="[$2]" -v lines="$3" '{ print }
		$0 == section { print lines }' "$1" >"$1.new"
	mv "$1.new" "$1"
}

start() { # NAMESPACE NAME
	ip netns exec "tbench-$1" "$TOMBOLO" run -c "$SCRATCH/$2/tombolo.conf" \
		--foreground >"$SCRATCH/$2.log" 2>&1 </dev/null 9>&- &
	STARTED=$!
}

grow_hub() {
	local conf=$SCRATCH/hub/tombolo.conf
	"$TOMBOLO" init --dir "$SCRATCH/hub" --name $HUB --mode tap >/dev/null
	add_lines "$conf" server "socket = $SCRATCH/hub/sock"
	add_lines "$conf" switch "max-addresses = 200000
max-addresses-per-site = 200000
ageing = 100000"
	start hub hub
	HUB_PID=$STARTED
	waitfor 10 at_hub status
	join x x 10.99.0.1
	join y y 10.99.0.2
	waitfor 10 ns x ping -c1 -W1 10.99.0.2 || die "x does not reach y"
}

join() { # NAMESPACE NAME [ADDRESS]
	local conf=$SCRATCH/$2/tombolo.conf
	"$TOMBOLO" site add "$2" --dir "$SCRATCH/hub" --generate \
		--out "$SCRATCH/$2.invite" >/dev/null
	"$TOMBOLO" join "$SCRATCH/$2.invite" --dir "$SCRATCH/$2" >/dev/null
	add_lines "$conf" client "socket = $SCRATCH/$2/sock"
	if [ -n "${3:-}" ]; then
		add_lines "$conf" interface "address = $3/24"
	else
		add_lines "$conf" interface "device = $2
workers = 1"
	fi
	start "$1" "$2"
}

connected() { at_hub sites --json | jq '.sites | map(select(.state == "up")) | length'; }
are_connected() { [ "$(connected)" = "$1" ]; }

grow_sites() {
	local n have=2 since
	: >"$OUT_DIR/grow-sites.tsv"
	for n in $GROW_SITES; do
		since=$(date +%s)
		while [ "$have" -lt "$n" ]; do
			join idle "s$have"
			have=$((have + 1))
		done
		waitfor 300 are_connected "$have" ||
			{ complain "only $(connected) of $have sites came"; break; }
		note "$have sites are up, after $(($(date +%s) - since)) s"
		sleep 2
		grow_measure "$have" "$OUT_DIR/grow-sites.tsv"
	done
}

grow_addresses() {
	local n
	: >"$OUT_DIR/grow-addresses.tsv"
	for n in $GROW_ADDRESSES; do
		ns x "$HERE/macs.py" tombolo0 "$n"
		note "$(at_hub status --json | jq .addresses) addresses"
		grow_measure "$n" "$OUT_DIR/grow-addresses.tsv"
	done
}

# One line: how many, Mbit/s from x to y, hub's CPU s/GB, its RSS and PSS kB.
grow_measure() {
	local i c0 c1 bytes all
	all=$(tree "$HUB_PID")
	for i in $(seq "$GROW_ROUNDS"); do
		ns y timeout 30 iperf3 -s -1 >/dev/null 2>&1 9>&- &
		waitfor 3 ns y sh -c "ss -Hltn 'sport = :5201' | grep -q ."
		c0=$(cpu_of $all)
		ns x timeout 30 iperf3 -c 10.99.0.2 -t "$SECONDS_TCP" -J \
			>"$SCRATCH/grow.json" 2>&1 || true
		c1=$(cpu_of $all)
		bytes=$(jq '.end.sum_received.bytes // 0' "$SCRATCH/grow.json")
		[ "$bytes" -gt 0 ] || { complain "iperf3 failed"; continue; }
		printf '%s\t%s\t%s\t%s\t%s\n' "$1" \
			"$(jq '.end.sum_received.bits_per_second / 1e6' "$SCRATCH/grow.json")" \
			"$(calc "($c1-$c0)/$HZ/($bytes/1e9)")" \
			"$(memory_of Rss $all)" "$(memory_of Pss $all)" >>"$2"
	done
}
