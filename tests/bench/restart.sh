# SPDX-License-Identifier: GPL-2.0-or-later
# restart: a hub is stopped, or killed, and started under many sites; how soon
# all are back, and whether they come by their tokens, without the slow hash.
#
# The sites are real satellites, as in grow.sh, which makes them.

RESTART_SITES=${RESTART_SITES:-1000}
RESTART_ROUNDS=${RESTART_ROUNDS:-stop kill}
. "$HERE/grow.sh"

restart() {
	local how
	trap 'grow_down; rm -rf "$SCRATCH"' EXIT
	grow_down
	grow_net
	grow_hub_conf
	enrol_idle "$RESTART_SITES"
	grow_hub_up
	start_idle "$RESTART_SITES"
	note "$RESTART_SITES sites are up; they shall stand for a while"
	sleep 20
	: >"$OUT_DIR/restart.tsv"
	for how in $RESTART_ROUNDS; do
		restart_round "$how"
		sleep 20
	done
}

# restart_round stop|kill
restart_round() {
	local gone up now n=0 c0 c1 i0 i1
	gone=$(date +%s.%N)
	c0=$(machine)
	if [ "$1" = kill ]; then
		kill -9 $(tree "$HUB_PID")
	else
		"$TOMBOLO" stop -c "$SCRATCH/hub/tombolo.conf" >/dev/null
	fi
	wait "$HUB_PID" || true
	waitfor 20 sh -c "! kill -0 $HUB_PID" || die "the hub does not end"
	start hub hub
	HUB_PID=$STARTED
	waitfor 30 at_hub status || die "the hub does not come up again"
	up=$(date +%s.%N)
	while [ "$n" -lt "$RESTART_SITES" ]; do
		n=$(connected)
		now=$(date +%s.%N)
		printf '%s\t%s\t%s\n' "$1" "$(calc "$now-$up")" "$n" \
			>>"$OUT_DIR/restart.tsv"
		[ "$(calc "($now-$up)<120" 0)" = 1 ] || break
		sleep 0.2
	done
	c1=$(machine)
	echo "$1: up again after $(calc "$up-$gone") s; $n of" \
		"$RESTART_SITES sites are back after $(calc "$now-$up") s more"
	echo "$1: CPU of the machine: $(calc "(${c1%% *}-${c0%% *})/$HZ") s, of" \
		"the hub: $(calc "$(cpu_of $(tree "$HUB_PID"))/$HZ") s"
	at_hub status --json | jq -r '.counters |
		"accepted \(."connections-accepted"), by token " +
		"\(."log-ins-resumed"), turned away " +
		"\(."connections-turned-away"), refused " +
		"\(."connections-refused")"'
}
