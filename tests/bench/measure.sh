# SPDX-License-Identifier: GPL-2.0-or-later
# measure: what is measured of a peer that is up; one line a figure.

out() { printf '%s\t%s\t%s\t%s\n' "$ROUND" "$PEER" "$1" "$2" >>"$OUT"; }
calc() { awk "BEGIN { printf \"%.${2:-3}f\", $1 }"; }
pids() { tree ${PIDS_A[@]+"${PIDS_A[@]}"} ${PIDS_B[@]+"${PIDS_B[@]}"}; }

# rtts FILE: mean, median, 99th percentile in microseconds, how many.
rtts() {
	sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' "$1" | sort -n | awk '
	{ v[NR] = $1 * 1000; s += $1 * 1000 }
	END {
		if (!NR) { print "0 0 0 0"; exit }
		i = int(NR * .5 + .5); j = int(NR * .99 + .5)
		if (i < 1) i = 1
		if (j < 1) j = 1
		printf "%.1f %.1f %.1f %d\n", s / NR, v[i], v[j], NR
	}'
}

measure_idle() {
	inA ping -i 0.002 -c 500 -W 1 "$OB" >"$RUN/ping.idle" 2>&1 || true
	set -- $(rtts "$RUN/ping.idle")
	out idle_mean_us "$1"
	out idle_p50_us "$2"
	out idle_p99_us "$3"
}

# measure_tcp STREAMS: iperf3, from A to B; pings beside a single stream.
measure_tcp() {
	local streams=$1 tag=tcp$1 all c0 c1 m0 m1 bytes server pings=
	all=$(pids)
	inB timeout $((SECONDS_TCP + 25)) iperf3 -s -1 -B "$OB" \
		>"$RUN/iperf.server" 2>&1 9>&- &
	server=$!
	waitfor 3 inB sh -c "ss -Hltn 'sport = :5201' | grep -q ." || true
	if [ "$streams" = 1 ]; then
		inA ping -i 0.01 -c $((SECONDS_TCP * 90)) -W 2 "$OB" \
			>"$RUN/ping.load" 2>&1 9>&- &
		pings=$!
	fi
	m0=$(machine) c0=$(cpu_of $all)
	inA timeout $((SECONDS_TCP + 15)) iperf3 -c "$OB" -t "$SECONDS_TCP" \
		-P "$streams" -J >"$RUN/$tag.json" 2>&1 || true
	c1=$(cpu_of $all) m1=$(machine)
	[ -z "$pings" ] || wait "$pings" || true
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	bytes=$(jq -r '.end.sum_received.bytes // 0' "$RUN/$tag.json" \
		2>/dev/null) || bytes=0
	if [ "${bytes:-0}" = 0 ]; then
		complain "$PEER: iperf3 failed: $(head -c 200 "$RUN/$tag.json" | tr -d '\n')"
		return
	fi
	set -- $m0 $m1
	out ${tag}_mbit "$(jq -r '.end.sum_received.bits_per_second / 1e6' "$RUN/$tag.json")"
	out ${tag}_retrans "$(jq -r '.end.sum_sent.retransmits // 0' "$RUN/$tag.json")"
	out ${tag}_cpu_gb "$(calc "($c1-$c0)/$HZ/($bytes/1e9)")"
	out ${tag}_machine_gb "$(calc "($4-$1)/$HZ/($bytes/1e9)")"
	out ${tag}_steal_pct "$(calc "100*($5-$2)/(($4-$1)+($5-$2)+($6-$3))" 1)"
	[ -n "$pings" ] || return 0
	set -- $(rtts "$RUN/ping.load")
	out load_p50_us "$2"
	out load_p99_us "$3"
	out load_lost_pct "$(calc "100*(1-$4/($SECONDS_TCP*90))" 1)"
}

# udp_trial RATE SECONDS: what was offered and received a second, loss in %.
udp_trial() {
	local sink
	inB "$UDPBLAST" recv 7777 >"$RUN/udp.rx" 2>&1 9>&- & sink=$!
	waitfor 2 inB sh -c "ss -Hlun 'sport = :7777' | grep -q ." || true
	inA "$UDPBLAST" send "$OB" 7777 64 "$1" "$2" >"$RUN/udp.tx" 2>&1 || true
	wait "$sink" || true
	cat "$RUN/udp.tx" "$RUN/udp.rx" | awk '
	/^sent/ { s = $2; ts = $4 }
	/^recv/ { r = $2; tr = $4 }
	END {
		t = tr > ts ? tr : ts
		if (!s) { print "0 0 100"; exit }
		printf "%.0f %.0f %.3f\n", s / ts, r / t, 100 * (1 - r / s)
	}'
}

# The highest rate of small packets with at most 1 % lost: bracket and bisect.
measure_packets() {
	local all c0 c1 rate low=0 high=0 best=0 cpu=0 i
	all=$(pids)
	set -- $(udp_trial 0 1)
	out flood_pps "$2"
	rate=$2
	[ "$rate" -gt 2000 ] || rate=2000
	for i in 1 2 3 4 5 6 7 8 9; do
		c0=$(cpu_of $all)
		set -- $(udp_trial "$rate" 1)
		c1=$(cpu_of $all)
		if awk "BEGIN { exit !($3 <= 1.0 && $1 >= 0.97 * $rate) }"; then
			low=$rate
			if [ "$2" -gt "$best" ]; then
				best=$2
				cpu=$(calc "1e6*($c1-$c0)/$HZ/$2" 2)
			fi
		else
			high=$rate
		fi
		if [ "$high" = 0 ]; then
			rate=$(calc "$low * 1.5" 0)
		elif [ "$low" = 0 ]; then
			rate=$(calc "$high * 0.6" 0)
		else
			awk "BEGIN { exit !($high / $low < 1.08) }" && break
			rate=$(calc "sqrt($low * $high)" 0)
		fi
		[ "$rate" -ge 500 ] || break
	done
	out small_pps "$best"
	[ "$best" = 0 ] || out small_cpu_us "$cpu"
}

measure_memory() {
	out rss_server_kb "$(memory_of Rss $(tree ${PIDS_B[@]+"${PIDS_B[@]}"}))"
	out pss_server_kb "$(memory_of Pss $(tree ${PIDS_B[@]+"${PIDS_B[@]}"}))"
}

# What the cable carries in a minute with nothing to do, both ways, after a while.
measure_rest() {
	local before
	sleep 20
	before=$(cable_counters)
	sleep 60
	set -- $before $(cable_counters)
	out rest_packets "$(($3 - $1))"
	out rest_kb "$(calc "($4-$2)/1000" 1)"
}

# Packets and bytes so far, Ethernet headers and all.
cable_counters() {
	inA sh -c 'cd /sys/class/net/u0/statistics
		cat tx_packets rx_packets tx_bytes rx_bytes' | xargs |
		awk '{ print $1 + $2, $3 + $4 }'
}
