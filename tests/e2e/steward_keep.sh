#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Steward inside of a Keep of kind $BACKEND: its policy comes through standard input, the authority
# is made inside. Started by Meson, and in tools/check-qemu, with STEWARD_STATIC and VECTORS_SMALL set.
. "${0%/*}/lib.sh"
v=$VECTORS_SMALL/enarx/steward
command -v curl >/dev/null || {
    echo "1..0 # SKIP there is no curl"
    exit 0
}
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
{ echo 'workload = "optional"'; cat "$v/steward.toml"; } >policy.toml
try enarx unstable exec "$STEWARD_STATIC" --version
is_status 0 "a Steward starts in a Keep"
"$ENARX" unstable exec "$STEWARD_STATIC" --host steward.example --addr 127.0.0.1 --port 0 \
    --metrics 127.0.0.1:0 --config - --time 2023-02-01T00:00:00Z <policy.toml >listening 2>log &
pid=$!
tries=0
until grep -q metrics listening || [ $((tries += 1)) = 300 ]; do sleep 0.1; done
url=http://127.0.0.1:$(sed -n 's/listening on port //p' listening)
metrics=http://127.0.0.1:$(sed -n 's/metrics on port //p' listening)
ask() { # status name curl-arguments…
    wanted=$1 name=$2
    shift 2
    status=$(curl -s -o answer -w '%{http_code}' "$@" 2>"$err")
    cp log "$out"
    [ "$status" = "$wanted" ]; result $? "$name"
}
ask 200 "it answers from inside" "$url/readyz"
for _ in 1 2; do
    ask 200 "a genuine SNP request gets a certificate" -H "Content-Type: application/pkcs10" \
        --data-binary "@$v/milan.signed.crl.csr" "$url/"
    LC_ALL=C grep -q "enarx:technology/snp" answer; result $? "that names the technology"
done
head -c 3000 "$v/milan.signed.crl.csr" >cut.csr
ask 400 "a part of a request is refused" -H "Content-Type: application/pkcs10" --data-binary @cut.csr "$url/"
ask 200 "metrics are served" "$metrics/metrics"
grep -q 'steward_decisions_total{code="accepted"} 2' answer; result $? "with what was decided"
if command -v openssl >/dev/null && command -v python3 >/dev/null; then
    curl -s -o path.der -H "Content-Type: application/pkcs10" --data-binary "@$v/milan.signed.crl.csr" "$url/"
    python3 "$here/der_split.py" path.der part >"$out"
    openssl x509 -inform der -in part0 -out issuer.pem
    openssl x509 -inform der -in part1 -out leaf.pem
    try openssl verify -x509_strict -attime 1675209601 -CAfile issuer.pem leaf.pem
    is_status 0 "OpenSSL verifies it"
else
    skip "OpenSSL verifies it" "there is no openssl, or no python3"
fi
kill -TERM "$pid"
wait "$pid"
status=$?
pid=
is_status 0 "SIGTERM reaches it, and it ends"
finish
