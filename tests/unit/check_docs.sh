#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# check_docs: the manuals, ARCHITECTURE and README say what the source does.
#
# Needs no build and no root.  Which directory may include which is in
# tests/tree.py.  With a directory as argument, looks at that tree.
LC_ALL=C
export LC_ALL
cd "${1:-$(dirname "$0")/../..}" || exit 1

page8=doc/tombolo.8
page5=doc/tombolo.conf.5
map=doc/ARCHITECTURE.md
failed=0

# Each check prints its complaints, a line each; none is good.
run() {
	what=$1
	shift
	complaints=$("$@" 2>&1)
	if [ -z "$complaints" ]; then
		echo "ok: $what"
		return
	fi
	echo "FAILED: $what"
	echo "$complaints" | sed 's/^/    /'
	failed=1
}

# Manuals that are not installed here are not the page's fault.
manuals_are_clean_mdoc() {
	for page in $page8 $page5; do
		mandoc -T lint -W style "$page" 2>/dev/null |
			grep -v 'referenced manual not found'
	done
}

# One line a key of the table: section, name, least, most, default, "list" or
# "number" or "-", "required" or "-", "live" or "restart".
key_rows() {
	awk '
	function bound(text) {
		gsub(/ /, "", text)
		return text in defined ? defined[text] : text
	}
	/^#define[ \t]+CONF_[A-Z_]+[ \t]+[0-9]+/ { defined[$2] = $3 }
	/conf_keys\[CONF_NKEYS\] = \{/ { on = 1; next }
	/^};/ { on = 0 }
	on { text = text " " $0 }
	END {
		n = split(text, row, /\{ CONF_IN_/)
		for (i = 2; i <= n; i++) {
			split(row[i], f, ",")
			gsub(/[ \t"]/, "", f[2])
			gsub(/^[ \t]+|[ \t]+$/, "", f[8])
			gsub(/"/, "", f[8])
			kind = "-"
			if (f[3] ~ /TYPE[_(](NUMBER|PORT)/)
				kind = "number"
			if (f[3] ~ /TYPE[_(](HOSTS|ADDRESSES|NETWORKS)/)
				kind = "list"
			print tolower(f[1]), f[2], bound(f[6]), bound(f[7]),
			    f[8], kind,
			    f[4] ~ /REQUIRED/ ? "required" : "-",
			    f[4] ~ /LIVE/ ? "live" : "restart"
		}
	}' src/conf/conf.h src/conf/conf_keys.c
}

keys_are_described_with_default_and_bounds() {
	key_rows >"$work/keys"
	[ "$(wc -l <"$work/keys")" -gt 30 ] || {
		echo "conf_keys.c cannot be read"
		return
	}
	awk -v page="$page5" '
	FNR == NR {
		at = $1 "/" $2
		least[at] = $3; most[at] = $4; default_[at] = $5
		kind[at] = $6; required[at] = $7; taken[at] = $8
		next
	}
	/^\.S[hs]/ {
		section = $2
		gsub(/[^a-z]/, "", section)
		at = ""
	}
	/^\.It Cm/ { at = section "/" $3; there[at] = 1; next }
	at != "" {
		sub(/^\.[A-Z][a-z] /, "")
		said[at] = said[at] " " $0
	}
	function must(at, words) {
		if (index(said[at] " ", words) == 0)
			print page ": " at ": does not say \"" words "\""
	}
	END {
		for (at in kind) {
			if (!(at in there)) {
				print page ": " at ": is not described"
				continue
			}
			if (kind[at] == "number")
				must(at, "Default: " default_[at] " (" \
				    least[at] " to " most[at] ").")
			else if (default_[at] != "NULL")
				must(at, "Default: " default_[at] ".")
			if (kind[at] == "list")
				must(at, "up to " most[at] " times")
			if (required[at] == "required")
				must(at, "Required.")
			if (taken[at] == "restart")
				must(at, "Needs a restart.")
			else if (index(said[at], "Needs a restart.") > 0)
				print page ": " at ": needs no restart"
		}
		for (at in there)
			if (at ~ /^(server|client|interface|switch|site)\// &&
			    !(at in kind))
				print page ": " at ": there is no such key"
	}' "$work/keys" "$page5"
}

drops_are_the_manuals() {
	sed -n 's/^[ \t]*X([A-Z_]*,[ \t]*"\([a-z-]*\)".*/\1/p' \
		src/datapath/util/drop.h | sort >"$work/drops"
	sed -n '/^\.Sh DROPPED FRAMES/,/^\.Sh PROCESSES/s/^\.It Cm //p' $page8 |
		sort >"$work/described"
	[ "$(wc -l <"$work/drops")" -gt 10 ] || echo "drop.h cannot be read"
	differences "$work/drops" "$work/described" "drop"
}

# A row's names in status are what has a hyphen; wrong-worker is a drop's, too.
counters_are_the_manuals() {
	{
		echo wrong-worker
		grep -h '^[[:space:]]*X(' src/datapath/util/counters.h \
			src/control/server.h | grep -o '"[a-z]*-[a-z-]*"' |
			tr -d '"'
	} | sort -u >"$work/counters"
	sed -n '/^\.Sh COUNTERS/,/^\.Sh DROPPED FRAMES/s/^\.It Cm //p' $page8 |
		sort >"$work/described"
	[ "$(wc -l <"$work/counters")" -gt 10 ] ||
		echo "counters.h cannot be read"
	differences "$work/counters" "$work/described" "counter"
	grep -h '^[[:space:]]*X(' src/datapath/util/counters.h | grep -o '"[a-z]*_[a-z]*"' |
		tr -d '"' | while read -r name; do
		grep -q "^\.It Li.*$name" $page8 ||
			echo "$page8: does not have a site's $name"
	done
}

# differences SOURCE MANUAL WHAT: two sorted lists that should be the same
differences() {
	comm -23 "$1" "$2" | sed "s|^|$page8: does not have the $3 |"
	comm -13 "$1" "$2" | sed "s|^|$page8: there is no such $3: |"
}

commands_are_described() {
	{
		sed -n 's/^\t{ "\([a-z]*\)", cmd_.*/\1/p' src/main.c |
			grep -vx site
		sed -n 's/^\t{ "\([a-z]*\)", [a-z].*/site \1/p' \
			src/cmd/cmd_site.c
	} >"$work/commands"
	[ "$(wc -l <"$work/commands")" -gt 15 ] || echo "main.c cannot be read"
	while read -r name; do
		grep -Eq "^\.It Cm ([a-z]+ , )*$name( |\$)" $page8 ||
			echo "$page8: command $name: is not described"
	done <"$work/commands"
}

options_are_described() {
	sed -n 's/^\tX([A-Z_]*, "\([a-z-]*\)".*/\1/p' src/cmd/util/options.h |
		sort -u >"$work/options"
	[ "$(wc -l <"$work/options")" -gt 10 ] || echo "options.h cannot be read"
	while read -r name; do
		grep -Eq -e "(Fl|,) -$name( |\$)" $page8 ||
			echo "$page8: option --$name: is not described"
	done <"$work/options"
}

# Every word that an answer can have, member or value.
answers_are_described() {
	cat src/engine/status.c src/engine/listings.c |
		grep -o '"[a-z][a-z_-]*"' | tr -d '"' |
		sort -u >"$work/said"
	sed -n 's/^\.//p' $page8 | tr -c 'A-Za-z0-9_-' '\n' |
		sort -u >"$work/words"
	[ "$(wc -l <"$work/said")" -gt 30 ] || echo "status.c cannot be read"
	comm -23 "$work/said" "$work/words" |
		sed "s|^|$page8: of an answer in JSON: |"
}

map_is_true() {
	grep -oE '[A-Za-z0-9_./-]+' $map | sed 's/[.\/]*$//' | sort -u \
		>"$work/named"
	grep -E '^(src|doc|tests|contrib)/' "$work/named" |
		while read -r path; do
			[ -e "$path" ] || echo "$map: there is no $path"
		done
	# A directory of src/ may stand without it, and a file without its own.
	grep -E '\.[ch]$' "$work/named" | grep -v '^src/' |
		while read -r path; do
			[ -n "$(find src -path "*/$path")" ] ||
				echo "$map: there is no $path"
		done
}

map_is_whole() {
	find src -name '*.[ch]' | while read -r path; do
		name=${path##*/}
		case $name in
		*.h) [ ! -e "${path%.h}.c" ] || continue ;;
		esac
		grep -Eq "(^|[^a-z_])$name" $map ||
			echo "$map: $path is not in the map"
	done
}

readme_names_what_is_there() {
	grep -oE '(\./)?(doc|contrib)/[A-Za-z0-9_.-]+' README |
		while read -r path; do
			[ -e "$path" ] || echo "README: there is no $path"
		done
}

no_file_is_too_long() {
	find src -name '*.[ch]' | while read -r path; do
		lines=$(wc -l <"$path")
		[ "$lines" -le 600 ] ||
			echo "$path: $lines lines; is there a second idea in it?"
	done
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

if command -v mandoc >/dev/null; then
	run "the manuals are clean mdoc" manuals_are_clean_mdoc
else
	echo "skipped: the manuals are clean mdoc (needs mandoc)"
fi
run "every key is described, with default and bounds" \
	keys_are_described_with_default_and_bounds
run "every drop is described" drops_are_the_manuals
run "every counter is described" counters_are_the_manuals
run "every command is described" commands_are_described
run "every option is described" options_are_described
run "every word of an answer is described" answers_are_described
run "every path of the map exists" map_is_true
run "every source file is in the map" map_is_whole
run "README names what is there" readme_names_what_is_there
run "no source file has more than 600 lines" no_file_is_too_long
exit $failed
