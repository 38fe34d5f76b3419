#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Generated modules do the same in all engines of libwick, and in V8 if there is node.
# usage: run.sh WICK_DIFF V8_MJS MODULE…
#
# The modules are those that once showed a defect, named by it.
set -u
wick_diff=$(realpath "$1") v8=$(realpath "$2")
shift 2
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

report() { # STATUS NAME OUTPUT
    number=$((number + 1))
    [ "$1" = 0 ] && echo "ok $number - $2" && return
    echo "not ok $number - $2"
    printf '%s\n' "$3" | head -n 40 | sed 's/^/# /'
    failed=1
}

number=0 failed=0
echo 1..2
output=$("$wick_diff" 1 400 "$directory" 2>&1)
status=$?
for module; do
    output="$output
$("$wick_diff" "$module" "$directory" 2>&1)" || status=1
done
report $status "the engines of libwick" "$output"
if ! command -v node >/dev/null; then
    echo "ok 2 - V8 # SKIP there is no node"
    exit $failed
fi
output=$(node "$v8" "$directory" 2>&1)
report $? "V8" "$output"
exit $failed
