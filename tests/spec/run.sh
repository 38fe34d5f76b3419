#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every script of the WebAssembly specification's test suite; one TAP line a file.
# usage: run.sh WICK SUITE_DIRECTORY PROPOSALS ENGINE
#
# PROPOSALS lists files that need what is not implemented: `REASON FILE [partly | lines LIST]` a line,
# FILE relative to the suite, `DIRECTORY/` for all below it. They are skipped by the reason's name. Of a
# file that is `partly` about a proposal, everything that the engine accepts is run; of one with lines,
# everything but the commands that begin there.
set -u
wick=$(realpath "$1") suite=$2 proposals=$(realpath "$3") engine=$4

if [ ! -d "$suite" ]; then
    echo "1..0 # SKIP the specification's test suite is not at $suite"
    exit 0
fi

# The proposal that a file waits for, if any.
proposal_of() {
    awk -v file="$1" '
        /^#/ || NF < 2 { next }
        $2 == file || ($2 ~ /\/$/ && index(file, $2) == 1) { print $1, $3, $4; exit }' "$proposals"
}

cd "$suite" || exit 99
files=$(find . -name '*.wast' | sed 's|^\./||' | LC_ALL=C sort)
echo "1..$(echo "$files" | wc -l)"
number=0 failed=0
for file in $files; do
    number=$((number + 1))
    proposal=$(proposal_of "$file")
    options=-v
    case $proposal in
    '') ;;
    *' partly ') options=-pv ;;
    *' lines '*) options="-v -s ${proposal##* }" ;;
    *)
        echo "ok $number $file # SKIP proposal: $proposal"
        continue
        ;;
    esac
    # shellcheck disable=SC2086 # a list
    output=$(timeout 120 "$wick" wast -e "$engine" $options "$file" 2>&1)
    status=$?
    summary=$(printf '%s\n' "$output" | tail -n 1)
    if [ $status -eq 0 ]; then
        echo "ok $number $summary${proposal:+ (without ${proposal%% *})}"
        continue
    fi
    failed=1
    echo "not ok $number $file (status $status): $summary"
    printf '%s\n' "$output" | head -n 20 | sed 's/^/# /'
done
exit $failed
