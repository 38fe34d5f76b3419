#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiled functions in perf and gdb: WICK is the tool. What they show is what others debug with.
. "${0%/*}/lib.sh"

cat >deep.wat <<'WAT'
(module (memory 1)
  (func $leaf (param i32) (result i32) (i32.load (i32.sub (local.get 0) (i32.const 1000000))))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (else (call $leaf (i32.const 4))))))
WAT

# shellcheck disable=SC2016 # expanded by the inner shell
try sh -c 'echo $$ >pid; exec "$0" run --perf --invoke deep deep.wat 3' "$WICK"
is_status 126 "the program traps"
map=/tmp/perf-$(cat pid).map
cat "$map" >"$out"
rm -f "$map"
out_has ' wasm[1] deep' "the map for perf names the function"

if ! command -v gdb >/dev/null; then
    skip "gdb shows the frames of compiled functions, and where they end" "there is no gdb"
else
    try gdb -q -batch -ex 'handle SIGSEGV stop nopass' -ex run -ex bt \
        --args "$WICK" run --gdb --invoke deep deep.wat 3
    grep '^#' "$out" | grep -o 'in wasm\[1\] deep ()\|in wick adapter ()' | uniq -c | tr -s ' ' >frames
    cat frames >"$out"
    out_is " 4 in wasm[1] deep ()
 1 in wick adapter ()" "gdb shows the frames of compiled functions, and where they end"
fi
finish
