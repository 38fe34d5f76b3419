#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make demo` is what newcomers see first: it has to work. Set by Meson: BUILD and BACKEND.
for program in node npm openssl curl; do
    command -v $program >/dev/null || { echo "1..0 # SKIP there is no $program"; exit 0; }
done
[ -f "$BUILD/examples/web.wasm" ] || { echo "1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)"; exit 0; }
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
echo 1..3
"${0%/*}/../../tools/demo" "$BUILD" >"$said" 2>&1
status=$?
[ $status = 0 ] || sed 's/^/# /' "$said"
[ $status = 0 ] && echo "ok 1 - the demonstration comes to its end" || echo "not ok 1 - the demonstration comes to its end"
check() { grep -q "$2" "$said" && echo "ok $1 - $3" || { echo "not ok $1 - $3"; status=1; }; }
check 2 'Pages served: 1' "with a page that a client fetched from the Keep"
check 3 'Error: cannot fetch the workload' "and the refusal of a package that was changed"
exit $status
