#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Rust program in a Keep of kind $BACKEND: what rustc makes for WASI runs as it is.
#   ENARX   the program               RUST   the module; empty: it could not be made
# (variables of ../e2e/lib.sh)
if [ -z "$RUST" ]; then
    echo "1..0 # SKIP rustc cannot compile for wasm32-wasip1 or wasm32-wasi (rustc, libstd-rust-dev-wasm32, lld)"
    exit 0
fi
here=$(cd "${0%/*}" && pwd)
. "$here/../e2e/lib.sh"

for engine in compiler interp; do
    rust() { try enarx run --engine $engine "$@"; }
    rust "$RUST" one "two three"
    is_status 0 "$engine: a Rust program ends well"
    out_is "one,two three" "$engine: arguments arrive"
    rust --env COLOUR=blue "$RUST" env COLOUR
    out_is blue "$engine: and variables"
    rust "$RUST" env HOME
    out_is "not set" "$engine: of the host there are none"
    mkdir data
    echo quiet >data/in
    rust --dir "$PWD/data::/data" "$RUST" copy /data/in /data/out
    is_status 0 "$engine: a granted directory is used"
    [ "$(cat data/out)" = QUIET ]
    result $? "$engine: a file was read and another written"
    rust --dir "$PWD/data::/data:ro" "$RUST" copy /data/in /data/new
    is_status 3 "$engine: a read-only directory is not written to"
    rust "$RUST" copy /data/in /data/out
    is_status 3 "$engine: nor one that is not granted"
    rm -r data
    rust "$RUST" panic
    is_status 126 "$engine: a panic is a trap"
    err_has "index out of bounds" "$engine: and says why"
done
finish
