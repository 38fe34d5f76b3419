#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# WASI programs in the tool `wick` and in a Keep of kind $BACKEND.
#   WICK, ENARX   the programs            PROGRAMS  directory of *.wasm; empty: none could be made
# (variables of ../e2e/lib.sh)
if [ -z "$PROGRAMS" ]; then
    echo "1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)"
    exit 0
fi
if [ "$BACKEND" = kvm ] && ! { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }; then
    echo "1..0 # SKIP /dev/kvm cannot be opened"
    exit 0
fi
here=$(cd "${0%/*}" && pwd)
. "$here/../e2e/lib.sh"

wick() { "$WICK" "$@"; }

# The same for both: $1 is the command, up to the module.
for command in "wick run" "enarx run"; do
    name=${command% *}
    mkdir data
    try $command --env A=b --env STATUS=3 "$PROGRAMS/hello.wasm" one two
    is_status 3 "$name: the program's exit status is passed on"
    out_has "Hello, world!" "$name: and its output"
    out_has "argument 2: two" "$name: arguments arrive"
    out_has "variable: A=b" "$name: and variables"
    try $command "$PROGRAMS/memory.wasm"
    out_is ok "$name: memory is kept apart under stress"
    try $command "$PROGRAMS/time.wasm" </dev/null
    out_is ok "$name: clocks, sleep, poll, random numbers"
    try $command --dir "$PWD/data::/data" "$PROGRAMS/files.wasm" /data
    out_is ok "$name: files, directories, links"
    [ -z "$(ls data)" ]
    result $? "$name: nothing is left behind"
    rmdir data

    for way in "abort 126 unreachable" "divide 126 divide" "wild 126 bounds" \
        "recurse 126 bounds"; do
        set -- $way
        try $command "$PROGRAMS/trap.wasm" "$1"
        is_status "$2" "$name: a trap ($1) has its status"
        err_has "$3" "$name: and is explained"
        err_has "function " "$name: with a backtrace"
    done
    for status in 0 1 42 255; do
        try $command "$PROGRAMS/trap.wasm" $status
        is_status $status "$name: exit($status) is passed on"
    done

    printf '%s\n' "Good morning, that's a nice tnetennba." "0118 999 881 999 119 725 3" >text
    try $command "$PROGRAMS/zerooneone.wasm" <text
    out_is "Tbbq zbeavat, gung'f n avpr gargraaon.
0118 999 881 999 119 725 3" "$name: ROT13 of stdin"
    head -c 2097152 /dev/urandom >big
    "${command% *}" run "$PROGRAMS/echo.wasm" <big >copy
    cmp -s big copy
    result $? "$name: 2 MiB go through unchanged"
    "${command% *}" run "$PROGRAMS/echo.wasm" </dev/null | cat >copy
    [ ! -s copy ]
    result $? "$name: nothing stays nothing"
done

mkdir data
try wick run --dir "$PWD/data::/data:ro" "$PROGRAMS/files.wasm" /data
is_status 1 "a read-only directory is not written to"
err_has "Read-only file system" "and says so"
try wick run --dir "$PWD/none::/data" "$PROGRAMS/hello.wasm"
is_status 124 "a directory that is missing is an error"
try wick run --engine fast "$PROGRAMS/hello.wasm"
is_status 120 "an unknown engine is refused"
# A program that writes to a closed pipe gets an error, and is not killed.
try sh -c 'yes | head -c 1000000 | "$0" run "$1" | head -c 1; true' "$WICK" "$PROGRAMS/echo.wasm"
err_has "Broken pipe" "a closed pipe is an error of the program"
finish
