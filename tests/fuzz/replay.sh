#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs each of $FUZZ_TARGETS (names from the build directory) once over its
# seeds, tests/fuzz/corpus/NAME of the source tree.
: "${srcdir:=.}" "${FUZZ_TARGETS:?is empty: run by make check}"
failed=0

for target in $FUZZ_TARGETS; do
	corpus=$srcdir/tests/fuzz/corpus/${target##*/fuzz_}
	if [ -z "$(ls "$corpus" 2>/dev/null)" ]; then
		echo "$target: no seeds in $corpus"
		failed=1
		continue
	fi
	# Without -runs=0 libFuzzer would go on for ever.  Ours ignores it.
	if ! "./$target" -runs=0 "$corpus"; then
		echo "$target: failed on its seeds"
		failed=1
	fi
done
exit $failed
