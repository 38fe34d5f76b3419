# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# A little TAP for scripts that run enarx. Sourced with these set by Meson:
#   ENARX    the program            BACKEND  the backend to test
#   GUESTS   directory of tests/guest programs
#
#   try enarx run x.wasm            runs it: $status, $out, $err (files)
#   is_status 0 "it ends well"      one test each
#   out_is "text" "what is said"    err_has "text" "…"    err_is "text" "…"

count=0 failed=0
here=$(cd "${0%/*}" && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
out=$work/.out err=$work/.err
cd "$work" || exit 1
unset ENARX_LOG ENARX_WASMCFGFILE
export ENARX_BACKEND="$BACKEND"

enarx() { "$ENARX" "$@"; }

if ! enarx platform info | sed 's/.*Backend: //p' -n | grep -qx "$BACKEND" ||
    enarx platform info | grep -q "^\(✗\|\[no\]\) Backend: $BACKEND\$"; then
    echo "1..0 # SKIP the backend $BACKEND cannot be used on this machine"
    exit 0
fi

try() {
    "$@" >"$out" 2>"$err"
    status=$?
}

result() { # 0|1 name
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        failed=$((failed + 1))
        echo "not ok $count - $2"
        echo "# status $status"
        sed 's/^/# out: /' "$out" | head -n 20
        sed 's/^/# err: /' "$err" | head -n 20
    fi
}

is_status() { [ "$status" = "$1" ]; result $? "$2"; }
out_is() { [ "$(cat "$out")" = "$1" ]; result $? "$2"; }
out_has() { grep -qF -- "$1" "$out"; result $? "$2"; }
err_is() { [ "$(cat "$err")" = "$1" ]; result $? "$2"; }
err_has() { grep -qF -- "$1" "$err"; result $? "$2"; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }

finish() {
    echo "1..$count"
    [ "$failed" = 0 ]
}
