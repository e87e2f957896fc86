# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh: what contrib/demo and contrib/check share: packages and the build.
# To be sourced by bash; $top is the source tree.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '==> %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# as_root COMMAND...: as it is for root, by sudo for others.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root for: $*"
	fi
}

# The packages of contrib/packages that are not installed.
missing_packages() {
	{
		dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
			sed -n 's/^installed //p'
		echo
		sed "s/#.*//; s/ \[$(dpkg --print-architecture)\]//; /\[/d; s/ //g" \
			"$top/contrib/packages"
	} | awk '!NF { wanted = 1 } !wanted { there[$1] = 1 }
		wanted && NF && !($1 in there) { print $1 }'
}

# Installs what is missing, and only then asks apt-get.
install_packages() {
	local missing
	if ! command -v dpkg-query >/dev/null; then
		say "not Debian: taking the packages of contrib/packages for granted"
		return
	fi
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	say "installing" $missing
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $missing >/dev/null
}

# build BUILD-DIR [CONFIGURE-ARGUMENT...]: builds out of tree; $tombolo is
# the binary then.  A tree that was configured in place is built from a copy,
# because make would take the configuration of the tree.
build() {
	local dir=$1 src=$top; shift
	mkdir -p "$dir"
	if [ -e "$top/config.status" ]; then
		src=$dir/source
		say "the source tree is configured in place: building a copy, $src"
		mkdir -p "$src"
		tar -C "$top" --exclude=./.git --exclude=./build -cf - . |
			tar -C "$src" -xf -
		make -C "$src" -s distclean >/dev/null
	fi
	if [ ! -e "$src/configure" ] ||
	    [ "$src/configure.ac" -nt "$src/configure" ]; then
		say "autoreconf"
		(cd "$src" && autoreconf -i >/dev/null)
	fi
	say "configure $*"
	(cd "$dir" && "$src/configure" -q "$@")
	say "make"
	make -C "$dir" -s -j"$(nproc)"
	tombolo=$dir/src/tombolo
}
