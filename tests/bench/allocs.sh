# SPDX-License-Identifier: GPL-2.0-or-later
# allocs: allocations a frame during a stream, the program's and its libraries'.

alloc_counts() { od -An -t u8 "$SCRATCH/allocs" | tr -s ' '; }
frames() {
	"$TOMBOLO" status --socket "$RUN/$1/sock" --json |
		jq '.counters."site-frames-out"'
}

allocs() {
	local real=$TOMBOLO before after f0 f1
	${CC:-cc} -O2 -Wall -shared -fPIC -o "$SCRATCH/allocs.so" "$HERE/allocs.c"
	printf '#!/bin/sh\nexec env LD_PRELOAD=%s ALLOCS_FILE=%s %s "$@"\n' \
		"$SCRATCH/allocs.so" "$SCRATCH/allocs" "$real" >"$SCRATCH/counted"
	chmod +x "$SCRATCH/counted"
	(
		OUT=/dev/null ROUND=0
		TOMBOLO=$SCRATCH/counted
		bring_up tombolo-tap || exit 1
		TOMBOLO=$real
		before=$(alloc_counts) f0=$(frames client)
		measure_tcp 1
		after=$(alloc_counts) f1=$(frames client)
		set -- $before $after $f0 $f1
		echo "$(($6 - $5)) frames sent by the client in $SECONDS_TCP s"
		echo "both ends, all processes: $(($3 - $1)) allocations of the" \
			"program ($(calc "($3-$1)/($6-$5)" 6) a frame)," \
			"$(($4 - $2)) of its libraries ($(calc "($4-$2)/($6-$5)" 2) a frame)"
	)
}
