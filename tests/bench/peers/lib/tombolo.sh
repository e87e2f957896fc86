# SPDX-License-Identifier: GPL-2.0-or-later
# TOM_MODE=tap|tun, TOM_CONF="lines for [interface] of both sides",
# TOM_TRANSPORT=auto|udp|tcp
NEEDS="$TOMBOLO"
tom_conf() { # FILE ADDRESS: what `tombolo init` and `join` cannot be told
	local lines=${TOM_CONF:-} dir=${1%/*}
	[ "$TOM_MODE" = tap ] && lines="$lines
address = $2/24"
	awk -v lines="$lines" -v sock="socket = $dir/sock
transport = ${TOM_TRANSPORT:-auto}" '{ print }
		/^\[(server|client)\]/ { print sock }
		/^\[interface\]/ { print lines }' "$1" >"$1.new"
	mv "$1.new" "$1"
}
peer_up() {
	local s=$RUN/server c=$RUN/client net=""
	if [ "$TOM_MODE" = tun ]; then
		net="--tunnel-network 10.99.0.0/24"
		OB=10.99.0.1 OA=10.99.0.2	# the server hands them out
	fi
	"$TOMBOLO" init --dir "$s" --name "$UB" --mode "$TOM_MODE" $net >/dev/null || return 1
	"$TOMBOLO" site add a --dir "$s" --generate --out "$RUN/a.invite" >/dev/null || return 1
	"$TOMBOLO" join "$RUN/a.invite" --dir "$c" >/dev/null || return 1
	tom_conf "$s/tombolo.conf" "$OB"
	tom_conf "$c/tombolo.conf" "$OA"
	STATE_DIRECTORY=$RUN spawn B b.log "$TOMBOLO" run -c "$s/tombolo.conf" --foreground
	waitfor 5 inB sh -c "ss -Hltn 'sport = :55555' | grep -q ." || return 1
	client_starts
	STATE_DIRECTORY=$RUN spawn A a.log "$TOMBOLO" run -c "$c/tombolo.conf" --foreground
}
