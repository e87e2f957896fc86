# SPDX-License-Identifier: GPL-2.0-or-later
# grow: a hub with more and more connected sites, and more and more addresses.
#
#	[x] .2 --- 198.18.1 --- .1 [hub] .1 --- 198.18.2 --- .2 [y]
#	                            | 198.19.255.1
#	                         [switch]
#	                       /     |     \
#	                    [s2]   [s3] ... [s999]   198.19.0.0/16
#
#	[ox] .2 --- 198.18.1 --- .1 [other] .1 --- 198.18.2 --- .2 [oy]
#
# The stream goes from x to y; the others are idle: real satellites, each in a
# namespace and at an address of its own, with one worker.  They stand still while
# a stream is measured: a thousand daemons that look after themselves on the same
# machine would be measured too, and what the hub does for them goes on.  Not for
# long, and after each stream they run again until what they missed is made good.
# What passes between them and the hub meanwhile is shown beside what does at rest.
#
# A machine with thousands of processes and namespaces is slower at anything.  So a
# second hub, which has two sites and no more, takes turns with the first.

GROW_SITES=${GROW_SITES:-2 10 100 300 1000}
GROW_ADDRESSES=${GROW_ADDRESSES:-100 1000 10000 100000}
GROW_ROUNDS=${GROW_ROUNDS:-5}
GROW_SECONDS=2 # of a stream
GROW_REST=15
COPIES=160000 # of broadcast frames, in COPIES_SEC
COPIES_SEC=4
HUB=198.18.255.1
IDLE=() # the idle sites' daemons
declare -A HUB_PID
ns() { local name=tbench-$1; shift; ip netns exec "$name" "$@"; }
at_hub() { "$TOMBOLO" "$@" --socket "$SCRATCH/hub/sock"; }

grow() {
	trap 'grow_down; rm -rf "$SCRATCH"' EXIT
	grow_down
	grow_net
	plug_hub hub x y
	plug_switch
	grow_hub_up hub x y
	grow_addresses
	grow_down
	rm -rf "$SCRATCH"/hub* "$SCRATCH"/[xy]*
	grow_net
	plug_hub hub x y
	plug_switch
	plug_hub other ox oy
	enrol_idle $(echo "$GROW_SITES" | tr ' ' '\n' | sort -n | tail -1)
	grow_hub_up hub x y
	grow_hub_up other ox oy
	grow_sites
	"$HERE/grow.py" "$OUT_DIR"
}

grow_down() {
	local p n
	IDLE=()
	more_neighbours
	for p in $(bench_pids); do
		kill "$p" 2>/dev/null || true
		kill -CONT "$p" 2>/dev/null || true
	done
	waitfor 60 is_quiet || complain "something goes on: $(bench_pids)"
	for n in /run/netns/tbench-*; do
		[ ! -e "$n" ] || ip netns del "${n##*/}" 2>/dev/null || true
	done
}

# more_neighbours [N]: that a machine may have, in all its namespaces; without N
# as many as before.  Two for each site are more than the kernel's 1024.
more_neighbours() {
	local name=net.ipv4.neigh.default.gc_thresh
	NEIGHBOURS=${NEIGHBOURS:-$(sysctl -n "$name"{1,2,3} | tr '\n' ' ')}
	set -- ${1:+$1 $1 $1} ${1-$NEIGHBOURS}
	sysctl -qw ${name}1="$1" ${name}2="$2" ${name}3="$3"
}

# Who runs in namespaces of ours, by one look at all processes.
bench_pids() {
	{
		stat -L -c 'ours %i' /run/netns/tbench-*
		stat -L -c '%i %n' /proc/[0-9]*/ns/net
	} 2>/dev/null | awk '$1 == "ours" { ours[$2]; next }
		$1 in ours { split($2, path, "/"); print path[3] }'
}
is_quiet() { [ -z "$(bench_pids)" ]; }

make_ns() {
	ip netns add "tbench-$1"
	ns "$1" ip link set lo up
	ns "$1" sysctl -qw net.ipv4.tcp_congestion_control=cubic \
		net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
}

grow_net() {
	allow_cubic
	more_neighbours 16384
}

# plug_hub HUB SITE SITE: namespaces, cables, configurations.
plug_hub() {
	local hub=$1 n i=0
	shift
	make_ns "$hub"
	ns "$hub" ip addr add $HUB/32 dev lo
	hub_conf "$hub"
	for n in "$@"; do
		i=$((i + 1))
		make_ns "$n"
		ip link add "to-$n" netns "tbench-$hub" type veth \
			peer name up0 netns "tbench-$n"
		ns "$hub" ip addr add "198.18.$i.1/24" dev "to-$n"
		ns "$hub" ip link set "to-$n" up
		ns "$n" ip addr add "198.18.$i.2/24" dev up0
		ns "$n" ip link set up0 up
		ns "$n" ip route add $HUB via "198.18.$i.1"
		enrol "$hub" "$n" "10.99.0.$i"
	done
}

plug_switch() {
	make_ns switch
	ns switch ip link add w0 type bridge
	ns switch ip link set w0 up
	ip link add to-sites netns tbench-hub type veth peer name hub \
		netns tbench-switch
	ns switch ip link set hub master w0 up
	ns hub ip addr add 198.19.255.1/16 dev to-sites
	ns hub ip link set to-sites up
}

# plug_idle NUMBER: its namespace, and a cable to the switch.
plug_idle() {
	make_ns "s$1"
	ip link add "p$1" netns tbench-switch type veth peer name up0 \
		netns "tbench-s$1"
	ns switch ip link set "p$1" master w0 up
	ns "s$1" ip addr add "198.19.$(($1 / 250)).$(($1 % 250 + 1))/16" dev up0
	ns "s$1" ip link set up0 up
	ns "s$1" ip route add $HUB via 198.19.255.1
}

# add_lines FILE SECTION LINES
add_lines() {
	awk -v section="[$2]" -v lines="$3" '{ print }
		$0 == section { print lines }' "$1" >"$1.new"
	mv "$1.new" "$1"
}

start() { # NAMESPACE NAME
	STATE_DIRECTORY=$SCRATCH ip netns exec "tbench-$1" "$TOMBOLO" run -c "$SCRATCH/$2/tombolo.conf" \
		--foreground >"$SCRATCH/$2.log" 2>&1 </dev/null 9>&- &
	STARTED=$!
}

hub_conf() {
	local conf=$SCRATCH/$1/tombolo.conf
	"$TOMBOLO" init --dir "$SCRATCH/$1" --name $HUB --mode tap >/dev/null
	# Frames for sites that stand still go by UDP all the same.
	add_lines "$conf" server "socket = $SCRATCH/$1/sock
transport = udp
dead-peer = 300"
	add_lines "$conf" switch "max-addresses = 200000
max-addresses-per-site = 200000
ageing = 100000"
}

grow_hub_up() { # HUB SITE SITE
	start "$1" "$1"
	HUB_PID[$1]=$STARTED
	waitfor 10 test -S "$SCRATCH/$1/sock"
	start "$2" "$2"
	start "$3" "$3"
	waitfor 10 ns "$2" ping -c1 -W1 10.99.0.2 || die "$2 does not reach $3"
}

enrol() { # HUB NAME [ADDRESS]
	local conf=$SCRATCH/$2/tombolo.conf
	"$TOMBOLO" site add "$2" --dir "$SCRATCH/$1" --generate \
		--out "$SCRATCH/$2.invite" >/dev/null
	"$TOMBOLO" join "$SCRATCH/$2.invite" --dir "$SCRATCH/$2" >/dev/null
	add_lines "$conf" client "socket = $SCRATCH/$2/sock"
	if [ -n "${3:-}" ]; then
		add_lines "$conf" interface "address = $3/24"
	else
		add_lines "$conf" interface "workers = 1"
	fi
}

# enrol_idle N: all that there will be, x and y among them, before the hub runs:
# a server looks at its sites anew whenever one is added.
enrol_idle() {
	local i
	for i in $(seq 2 $(($1 - 1))); do
		plug_idle "$i"
		enrol hub "s$i"
	done
	ENROLLED=$1
}

# start_idle N: until so many are connected.  A few at a time: each one's first
# log-in costs both ends the slow hash.
start_idle() {
	RUNNING=${RUNNING:-2}
	while [ "$RUNNING" -lt "$1" ]; do
		start "s$RUNNING" "s$RUNNING"
		IDLE+=("$STARTED")
		RUNNING=$((RUNNING + 1))
		[ $((RUNNING % 4)) != 0 ] || waitfor 60 are_connected "$RUNNING" ||
			complain "$(connected) of $RUNNING sites are connected"
	done
	waitfor 300 are_connected "$1"
}

connected() { at_hub status --json | jq .sites_connected; }
are_connected() { [ "$(connected)" = "$1" ]; }

grow_sites() {
	local n since
	: >"$OUT_DIR/grow-sites.tsv"
	: >"$OUT_DIR/grow-other.tsv"
	: >"$OUT_DIR/grow-broadcast.tsv"
	: >"$OUT_DIR/grow-rest.tsv"
	for n in $GROW_SITES; do
		since=$(date +%s)
		start_idle "$n" ||
			{ complain "only $(connected) of $n sites came"; break; }
		note "$n sites are up, after $(($(date +%s) - since)) s"
		[ ${#IDLE[@]} = 0 ] || grow_rest "$n"
		for _ in $(seq "$GROW_ROUNDS"); do
			grow_turn "$n" hub x y "$OUT_DIR/grow-sites.tsv"
			grow_turn "$n" other ox oy "$OUT_DIR/grow-other.tsv"
		done
		[ ${#IDLE[@]} = 0 ] || sleep "$GROW_REST"
		grow_broadcast "$n"
	done
}

# grow_turn N HUB SITE SITE FILE
grow_turn() {
	[ ${#IDLE[@]} = 0 ] || sleep "$GROW_REST"
	grow_measure "$@" ${IDLE[@]:+$(tree "${IDLE[@]}")}
	waitfor 60 are_connected "$1" ||
		complain "$(connected) of $1 sites are left"
}

# grow_rest N: adds a line of how many, packets a second between them and the hub,
# and the hub's CPU milliseconds a second, with nothing to do.
grow_rest() {
	local all c0 c1 p0 p1 seconds=10
	sleep "$GROW_REST"
	all=$(tree "${HUB_PID[hub]}")
	c0=$(cpu_of $all) p0=$(idle_packets)
	sleep "$seconds"
	c1=$(cpu_of $all) p1=$(idle_packets)
	printf '%s\t%s\t%s\n' "$1" "$(((p1 - p0) / seconds))" \
		"$(calc "1000*($c1-$c0)/$HZ/$seconds" 0)" >>"$OUT_DIR/grow-rest.tsv"
}

# Packets to and from the idle sites so far.
idle_packets() {
	ns hub cat /sys/class/net/to-sites/statistics/{tx,rx}_packets |
		awk '{ n += $1 } END { print n }'
}

# grow_broadcast N: adds a line of how many sites get a copy of what x sends to
# all, the hub's CPU microseconds a copy, and its sendmmsg() calls a frame.
grow_broadcast() {
	local copies=$(($1 - 1)) all rate c0 c1 c2 f0 f1 calls=nan
	[ "$copies" -gt 0 ] || return 0
	all=$(tree "${HUB_PID[hub]}")
	rate=$((COPIES / COPIES_SEC / copies))
	signal STOP ${IDLE[@]:+$(tree "${IDLE[@]}")}
	c0=$(cpu_of $all)
	sleep "$COPIES_SEC"
	c1=$(cpu_of $all) f0=$(copies_sent)
	ns x timeout "$COPIES_SEC" "$HERE/macs.py" tombolo0 1000000 "$rate" \
		broadcast || true
	c2=$(cpu_of $all) f1=$(copies_sent)
	if command -v strace >/dev/null; then
		# As few that none waits for the tracer.
		calls=$(calc "($(sends_during 100)-$(sends_during 0))/100" 2)
	fi
	signal CONT ${IDLE[@]:+$(tree "${IDLE[@]}")}
	printf '%s\t%s\t%s\n' "$copies" \
		"$(calc "1e6*(($c2-$c1)-($c1-$c0))/$HZ/($f1-$f0)")" "$calls" \
		>>"$OUT_DIR/grow-broadcast.tsv"
}

copies_sent() { at_hub status --json | jq '.counters."site-frames-out"'; }

# signal NAME PID...: some may be over.
signal() {
	local name=$1
	shift
	[ $# = 0 ] || kill "-$name" "$@" 2>/dev/null || true
}

is_traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$1/status"; }

# sends_during FRAMES: calls of sendmmsg() by the hub in five seconds.
sends_during() {
	local tracer
	rm -f "$SCRATCH/sends"
	timeout -s INT 5 strace -f -c -S name -e trace=sendmmsg \
		-o "$SCRATCH/sends" $(tree "${HUB_PID[hub]}" | tr ' ' '\n' |
		sed 's/^/-p /') >/dev/null 2>&1 9>&- & tracer=$!
	waitfor 3 is_traced "${HUB_PID[hub]}" ||
		complain "strace does not get at the hub"
	[ "$1" = 0 ] || ns x "$HERE/macs.py" tombolo0 "$1" 40 broadcast
	wait "$tracer" || true
	cat "$SCRATCH/sends" /dev/null 2>/dev/null |
		awk '$NF == "sendmmsg" { n = $4 } END { print n + 0 }'
}

# A few in a thousand lose their place in the table to others of their bucket.
knows() {
	[ "$(at_hub status --json | jq .fdb_entries)" -ge $(($1 * 95 / 100)) ]
}

grow_addresses() {
	local n i
	: >"$OUT_DIR/grow-addresses.tsv"
	for n in $GROW_ADDRESSES; do
		for i in 1 2 3; do # some may be lost on the way
			ns x "$HERE/macs.py" tombolo0 "$n"
			! waitfor 3 knows "$n" || break
		done
		knows "$n" ||
			complain "of $n addresses the hub knows $(at_hub status \
				--json | jq .fdb_entries)"
		for i in $(seq "$GROW_ROUNDS"); do
			grow_measure "$n" hub x y "$OUT_DIR/grow-addresses.tsv"
		done
	done
}

# grow_measure HOW_MANY HUB SITE SITE FILE [PID...]: adds a line of how many,
# Mbit/s from one site to the other, hub's CPU s/GB, its RSS and PSS kB, what part
# of the machine's time the kernel's own threads took, in %, and packets a second
# to and from idle sites.  The processes stand still meanwhile.
grow_measure() {
	local n=$1 from=$3 to=$4 file=$5 c0 c1 k0 k1 p0 p1 bytes all threads
	all=$(tree "${HUB_PID[$2]}")
	shift 5
	threads=$(ps -o pid= --ppid 2)
	ns "$to" timeout 30 iperf3 -s -1 >/dev/null 2>&1 9>&- &
	waitfor 3 ns "$to" sh -c "ss -Hltn 'sport = :5201' | grep -q ."
	signal STOP "$@"
	p0=$(idle_packets) c0=$(cpu_of $all) k0="$(ticks_of $threads) $(machine)"
	ns "$from" timeout 30 iperf3 -c 10.99.0.2 -t "$GROW_SECONDS" -J \
		>"$SCRATCH/grow.json" 2>&1 || true
	k1="$(ticks_of $threads) $(machine)" c1=$(cpu_of $all) p1=$(idle_packets)
	signal CONT "$@"
	bytes=$(jq '.end.sum_received.bytes // 0' "$SCRATCH/grow.json")
	[ "$bytes" -gt 0 ] || { complain "iperf3 failed"; return; }
	set -- $k0 $k1
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$n" \
		"$(jq '.end.sum_received.bits_per_second / 1e6' "$SCRATCH/grow.json")" \
		"$(calc "($c1-$c0)/$HZ/($bytes/1e9)")" \
		"$(memory_of Rss $all)" "$(memory_of Pss $all)" \
		"$(calc "100*($5-$1)/($6-$2+$7-$3+$8-$4)" 1)" \
		"$(calc "($p1-$p0)/$GROW_SECONDS" 0)" >>"$file"
}

# cpu_of, of many, by one process; some may be over.
ticks_of() {
	cat $(printf '/proc/%s/stat ' "$@") 2>/dev/null |
		awk '{ sub(/.*\) /, ""); n += $12 + $13 } END { print n + 0 }'
}
