# SPDX-License-Identifier: GPL-2.0-or-later
# allocs: allocations a frame, the program's and its libraries', of both ends and
# all their processes.  A frame is one as the client sends it to the server.

alloc_counts() { od -An -t u8 "$SCRATCH/allocs" | tr -s ' '; }
frames() {
	"$TOMBOLO" status --socket "$RUN/$1/sock" --json |
		jq '.counters."site-frames-out"'
}

allocs() {
	local peer
	${CC:-cc} -O2 -Wall -shared -fPIC -o "$SCRATCH/allocs.so" "$HERE/allocs.c"
	printf '#!/bin/sh\nexec env LD_PRELOAD=%s ALLOCS_FILE=%s %s "$@"\n' \
		"$SCRATCH/allocs.so" "$SCRATCH/allocs" "$TOMBOLO" \
		>"$SCRATCH/counted"
	chmod +x "$SCRATCH/counted"
	printf '%-16s %-13s %10s %10s %12s %10s\n' peer load frames \
		program 'a frame' libraries
	for peer in tombolo-tap tombolo-tun tombolo-tap-tcp; do
		(allocs_of "$peer")
	done
}

allocs_of() {
	local real=$TOMBOLO
	OUT=/dev/null ROUND=0
	TOMBOLO=$SCRATCH/counted
	bring_up "$1" || exit 1
	TOMBOLO=$real
	allocs_during "TCP, 1 stream" measure_tcp 1
	allocs_during "small packets" udp_trial 0 "$SECONDS_TCP"
}

# allocs_during NAME COMMAND...: one line of the table.
allocs_during() {
	local load=$1 before f0
	shift
	before=$(alloc_counts) f0=$(frames client)
	"$@" >/dev/null
	set -- $before $(alloc_counts) $f0 $(frames client)
	printf '%-16s %-13s %10d %10d %12s %10s\n' "$PEER" "$load" $(($6 - $5)) \
		$(($3 - $1)) "$(calc "($3-$1)/($6-$5)" 6)" \
		"$(calc "($4-$2)/($6-$5)" 2)"
}
