#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two Keeps of kind $BACKEND that a Steward certified talk by TLS, with nothing but programs of the
# project: for virtual machines where there is nothing else. Set by Meson, and in tools/check-qemu:
# STEWARD_STATIC, PROGRAMS (of tests/wasi), and optionally KEYS, a directory as make_keys makes it.
. "${0%/*}/lib.sh"

make_keys() { # DIRECTORY
    for name in authority web; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -days 30 \
            -addext basicConstraints=critical,CA:true -addext subjectAltName=DNS:localhost \
            -addext keyUsage=critical,digitalSignature,keyCertSign,cRLSign \
            -keyout "$1/$name.key" -out "$1/$name.crt" 2>"$1/$name.log" || return 1
    done
}

if [ ! -f "$PROGRAMS/crowd.wasm" ]; then
    echo "1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)"
    exit 0
fi
if [ -z "${KEYS:-}" ]; then
    KEYS=$work
    make_keys "$KEYS" || {
        echo "1..0 # SKIP openssl cannot make keys"
        exit 0
    }
fi

steward= keep=
trap 'kill $steward $keep 2>/dev/null; rm -rf "$work"' EXIT
printf 'debug = true\nworkload = "required"\n' >policy.toml
"$STEWARD_STATIC" --key "$KEYS/authority.key" --crt "$KEYS/authority.crt" --tls-key "$KEYS/web.key" \
    --tls-crt "$KEYS/web.crt" --config policy.toml --san keep.example --addr 127.0.0.1 --port 0 \
    >listening 2>log &
steward=$!
tries=0
until grep -q 'listening on port' listening || [ $((tries += 1)) = 300 ]; do sleep 0.1; done
port=$(sed -n 's/listening on port //p' listening)

config() {
    cat <<END
steward = "https://localhost:$port"
steward_ca = { custom = ["web"] }
[[files]]
kind = "stdin"
[[files]]
kind = "stdout"
[[files]]
kind = "stderr"
[[files]]
$1
[roots]
web = """
$(cat "$KEYS/web.crt")
"""
authority = """
$(cat "$KEYS/authority.crt")
"""
END
}

serving=$((20000 + $$ % 20000))
config "kind = \"listen\"
prot = \"tls\"
name = \"ingest\"
addr = \"127.0.0.1\"
port = $serving
ca = { custom = [\"authority\"] }" >server.toml
config "kind = \"connect\"
prot = \"tls\"
host = \"127.0.0.1\"
name = \"stream\"
port = $serving
server_name = \"keep.example\"" >client.toml

enarx run --wasmcfgfile server.toml "$PROGRAMS/crowd.wasm" >served 2>served.log &
keep=$!
tries=0
try enarx run --wasmcfgfile client.toml "$PROGRAMS/greet.wasm"
until [ "$status" = 0 ] || ! grep -q 'cannot connect' "$err" || [ $((tries += 1)) = 60 ]; do
    sleep 0.5
    try enarx run --wasmcfgfile client.toml "$PROGRAMS/greet.wasm"
done
is_status 0 "a Keep believes the certificate of another"
out_is ok "and is answered"
wait "$keep"
status=$?
cp served "$out"
cp served.log "$err"
keep=
is_status 0 "which took its certificate in return"
out_is ok "and served it"
finish
