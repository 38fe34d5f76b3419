#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# steward as a program: the original's interface through curl, certificates that OpenSSL and GnuTLS
# verify, HTTPS, reload, end. Started by Meson with STEWARD and VECTORS_SMALL set.
. "${0%/*}/lib.sh"
v=$VECTORS_SMALL/enarx/steward
single="Content-Type: application/pkcs10"
bundle="Content-Type: application/vnd.steward.pkcs10-bundle.v1"
at=2023-02-01T00:00:00Z
for program in curl openssl python3; do
    command -v $program >/dev/null || {
        echo "1..0 # SKIP there is no $program"
        exit 0
    }
done

steward() { "$STEWARD" "$@"; }
{ echo 'workload = "optional"'; cat "$v/steward.toml"; } >policy.toml
openssl ecparam -name prime256v1 -genkey -noout -out key.pem 2>/dev/null
printf '[a]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature\nsubjectKeyIdentifier=hash\nsubjectAltName=DNS:test\n' >ca.cnf
printf '[req]\ndistinguished_name=d\n[d]\n' >>ca.cnf
openssl req -new -x509 -key key.pem -subj /CN=test -days 3650 -config ca.cnf -extensions a -out crt.pem 2>/dev/null

try steward
is_status 120 "without an authority nothing starts"
err_has "invalid configuration" "and the message is the original's"
try steward --host x --crt crt.pem
is_status 120 "half an authority is none"
try steward --hots x
is_status 120 "an unknown option is a mistake"
echo '[sgx]' >bad.toml
try steward --host x --config bad.toml --check-config
is_status 121 "--check-config finds an error in the policy"
try steward --host x --config policy.toml --check-config
is_status 0 "--check-config is content with the original's policy"
try steward --host x --config "$EXAMPLE" --check-config
is_status 0 "and with the example's"
openssl ecparam -name prime256v1 -genkey -noout -out other.pem 2>/dev/null
try steward --key other.pem --crt crt.pem --check-config
is_status 121 "a key that does not belong to the certificate is an error"
err_has "does not belong" "and is called so"

pid=
start() {
    : >listening
    "$STEWARD" "$@" --addr 127.0.0.1 --port 0 >listening 2>log &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        grep -q port listening && break
        sleep 0.1
    done
    port=$(sed -n 's/listening on port //p' listening)
    url=http://127.0.0.1:$port
}
stop() {
    kill -TERM "$pid"
    wait "$pid"
    status=$?
}
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
ask() { # status name curl-arguments…
    wanted=$1 name=$2
    shift 2
    got=$(curl -s -o answer -D headers -w '%{http_code}' "$@" 2>"$err")
    cp headers "$out"
    status=$got
    [ "$got" = "$wanted" ]; result $? "$name"
}

start --host steward.example --config policy.toml --time $at --audit audit.log --san keep.example \
    --metrics 127.0.0.1:0
milan=$v/milan.signed.crl.csr
ask 200 "GET / is healthy" "$url/"
ask 200 "GET /readyz is ready" "$url/readyz"
ask 200 "HEAD / has no body" -I "$url/"
ask 404 "there is nothing elsewhere" "$url/x"
ask 405 "PUT / is not allowed" -X PUT --data x "$url/"
ask 400 "without a Content-Type a request is refused" -H "Content-Type:" --data-binary "@$milan" "$url/"
grep -q "was missing" answer; result $? "and told so in the original's words"
ask 400 "and with another one" -H "Content-Type: text/plain" --data-binary "@$milan" "$url/"
ask 400 "an empty body is refused" -H "$single" -X POST "$url/"
head -c 2097153 /dev/zero >large
ask 413 "a body of more than 2 MiB is refused" -H "$single" --data-binary @large "$url/"
ask 413 "also in chunks" -H "$single" -H "Transfer-Encoding: chunked" --data-binary @large "$url/"

ask 200 "a genuine SNP request gets a certificate" -H "$single" --data-binary "@$milan" "$url/"
out_has "application/octet-stream" "of the original's type"
split() { python3 "$here/der_split.py" "$@"; }
[ "$(split answer part)" = 2 ]; result $? "which is a path of two: issuer and certificate"
openssl x509 -inform der -in part0 -out issuer.pem
openssl x509 -inform der -in part1 -out leaf.pem
try openssl verify -x509_strict -attime 1675209601 -CAfile issuer.pem leaf.pem
is_status 0 "OpenSSL verifies it strictly"
openssl x509 -in leaf.pem -noout -text >"$out"
out_has "URI:enarx:technology/snp" "the technology is in the subjectAltName"
out_has "DNS:keep.example" "and so is the name of --san"
out_has "1.3.6.1.4.1.58270.1.7" "and the result in an extension"
out_has "Not After : Mar  1 00:00:00 2023 GMT" "valid for 28 days"
[ "$(openssl req -inform der -in "$milan" -noout -pubkey)" = "$(openssl x509 -in leaf.pem -noout -pubkey)" ]
result $? "for the key of the request"
ask 200 "in chunks, too" -H "$single" -H "Transfer-Encoding: chunked" --data-binary "@$milan" "$url/"

# A bundle: SEQUENCE OF requests.
python3 - "$milan" "$milan" >two.der <<'EOF'
import sys
body = b''.join(open(name, 'rb').read() for name in sys.argv[1:])
size = len(body).to_bytes(3, 'big')
sys.stdout.buffer.write(b'\x30\x83' + size + body if len(body) > 65535 else b'\x30\x82' + size[1:] + body)
EOF
ask 200 "a bundle of two gets two certificates" -H "$bundle" --data-binary @two.der "$url/"
[ "$(split answer half)" = 2 ] && [ "$(split half0 chain)" = 1 ] && [ "$(split half1 issued)" = 2 ]
result $? "in the original's form"
printf '\060\000' >none.der
ask 200 "an empty bundle gets none" -H "$bundle" --data-binary @none.der "$url/"
ask 400 "a single request is no bundle" -H "$bundle" --data-binary "@$v/steward.toml" "$url/"

# Refusals.
openssl req -new -key key.pem -subj / -outform der -out plain.csr 2>/dev/null
ask 401 "a request without evidence is not authorized" -H "$single" --data-binary @plain.csr "$url/"
[ ! -s answer ]; result $? "without a word"
ask 401 "or with a reason, for those who ask" -H "$single" -H "Accept: application/problem+json" \
    --data-binary @plain.csr "$url/"
grep -q '"code": "evidence.absent"' answer; result $? "which is a problem with a code"
out_has "application/problem+json" "of the right type"
python3 -c "
data = bytearray(open('$milan', 'rb').read()); data[2000] ^= 1; open('changed.csr', 'wb').write(data)"
ask 400 "a changed request is refused" -H "$single" -H "Accept: application/problem+json" \
    --data-binary @changed.csr "$url/"
head -c 3000 "$milan" >cut.csr
ask 400 "a part of a request is refused" -H "$single" --data-binary @cut.csr "$url/"
head -c 4000 /dev/urandom >noise
ask 400 "noise is refused" -H "$single" --data-binary @noise "$url/"
printf 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n' >raw
python3 - "$port" <<'EOF' >"$out"
import socket, sys
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as s:
    s.sendall(open('raw', 'rb').read())
    print(s.makefile('rb').readline().decode().strip())
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as s:
    s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n' * 3)
    print(s.recv(4096).count(b'HTTP/1.1 200'), end=' ')
    s.settimeout(2)
    print('open')
EOF
status=0
out_has "HTTP/1.1 400 Bad Request" "two hosts in a request are refused"
out_has "open" "requests may follow each other on a connection"

# Metrics are on a port of their own.
metrics=http://127.0.0.1:$(sed -n 's/metrics on port //p' listening)
ask 200 "there are metrics" "$metrics/metrics"
grep -q 'steward_decisions_total{code="accepted"} [1-9]' answer; result $? "of decisions"
grep -q 'steward_answers_total{status="401"} 2' answer; result $? "and answers"
ask 404 "and nothing else beside them" "$metrics/"
ask 404 "and none on the main port" "$url/metrics"

# The audit log.
python3 - <<'EOF' >"$out"
import hashlib, json
previous = '0' * 64
for line in open('audit.log', encoding='ascii').read().splitlines():
    entry = json.loads(line)
    assert entry['previous'] == previous, line
    previous = hashlib.sha256(line.encode()).hexdigest()
    print(entry['code'])
EOF
status=$?
is_status 0 "each line of the audit log has the hash of the one before"
out_has "accepted" "it has what was accepted"
out_has "evidence.absent" "and what was refused"
grep -q PRIVATE log; [ $? = 1 ]; result $? "no key is in the log"

# Reload: another policy; then one that is wrong, which is not taken.
printf '[limits]\ncertifications_per_minute = 1\nburst = 1\n' >policy.toml
kill -HUP "$pid"
until grep -q reloaded log; do sleep 0.1; done
other="--interface 127.0.0.2"
ask 400 "after SIGHUP the new policy counts" $other -H "$single" --data-binary "@$milan" "$url/"
ask 429 "and its limits" $other -H "$single" -H "Accept: application/problem+json" \
    --data-binary "@$milan" "$url/"
out_has "Retry-After: " "which say when to come again"
grep -q '"code": "limit.rate"' answer; result $? "and why"
ask 400 "other clients are served" --interface 127.0.0.3 -H "$single" --data-binary "@$milan" "$url/"
ask 200 "and whoever asks for nothing" $other "$url/"
echo 'x = 1' >policy.toml
kill -HUP "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    grep -q "not reloaded" log && break
    sleep 0.1
done
grep -q "not reloaded" log; result $? "a policy that is wrong is not taken"
ask 200 "and the Steward lives on" "$url/"

# The end: a request that was begun is answered, and metrics are served until then.
python3 - "$port" "$pid" "$metrics/metrics" <<'EOF' >"$out" 2>"$err"
import os, signal, socket, sys, urllib.request
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as s:
    s.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n')
    while b'steward_connections 1\n' not in urllib.request.urlopen(sys.argv[3]).read():
        pass
    os.kill(int(sys.argv[2]), signal.SIGTERM)
    while True:
        try:
            socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()
        except OSError:
            break
    print('metrics', urllib.request.urlopen(sys.argv[3]).status)
    s.sendall(b'\r\n')
    print(s.makefile('rb').read().decode())
EOF
status=$?
out_has "metrics 200" "metrics are served while a Steward drains"
out_has "HTTP/1.1 200 OK" "and a request that was begun is answered"
out_has "Connection: close" "as the last of its connection"
wait "$pid"
status=$?
is_status 0 "SIGTERM ends it"
lines=$(wc -l <audit.log)
{ echo 'workload = "optional"'; echo 'debug = true'; cat "$v/steward.toml"; } >policy.toml
try steward --host x --log-format xml
is_status 120 "a format of the log that is not known is a mistake"
for endpoint in 9100 127.0.0.1 ::1:9100 '[::1]' '127.0.0.1:x' 127.0.0.1:65536; do
    try steward --host x --addr 127.0.0.1 --port 0 --metrics "$endpoint"
    is_status 120 "--metrics $endpoint is a mistake"
done
start --key key.pem --crt crt.pem --config policy.toml --audit audit.log --log-format json \
    --metrics '[::1]:0' --tls-key key.pem --tls-crt crt.pem
url=https://127.0.0.1:$port
ask 200 "it serves HTTPS" --cacert crt.pem --resolve "test:$port:127.0.0.1" "https://test:$port/"
ask 400 "and judges by the clock" -k -H "$single" -H "Accept: application/problem+json" \
    --data-binary "@$milan" "$url/"
grep -q '"code": "crl.expired"' answer; result $? "by which the list has expired"
if command -v gnutls-cli >/dev/null; then
    printf 'GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n' |
        gnutls-cli --x509cafile crt.pem --verify-hostname test --port "$port" 127.0.0.1 >"$out" 2>"$err"
    status=$?
    is_status 0 "GnuTLS believes its certificate"
    out_has "HTTP/1.1 200 OK" "and gets an answer"
else
    skip "GnuTLS believes its certificate" "there is no gnutls-cli"
fi
ask 413 "a body that is too large is refused there, too" -k -H "$single" --data-binary @large "$url/"

# A client that asks much and leaves without listening: answers meet a broken pipe.
python3 - "$port" <<'EOF' 2>"$err"
import socket, ssl, sys
context = ssl._create_unverified_context()
for _ in range(20):
    with context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1])))) as t:
        t.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n' * 500)
        t.recv(1)
        t.shutdown(socket.SHUT_WR)
EOF
ask 200 "a client that leaves in the middle does not end a Steward" -k "$url/"

# The request of a Keep without protection gets a certificate that is valid now.
python3 "$here/kvm_request.py" other.pem >kvm.csr
ask 200 "with debug = true a Keep without protection gets a certificate" -k -H "$single" \
    --data-binary @kvm.csr "$url/"
split answer part >"$out"
openssl x509 -inform der -in part1 -out leaf.pem
try openssl verify -x509_strict -CAfile crt.pem leaf.pem
is_status 0 "which OpenSSL verifies below a loaded authority"
if command -v certtool >/dev/null; then
    try certtool --verify --load-ca-certificate crt.pem --infile leaf.pem
    is_status 0 "and GnuTLS"
else
    skip "and GnuTLS" "there is no certtool"
fi
if command -v certutil >/dev/null; then
    mkdir nss
    certutil -N -d sql:nss --empty-password
    certutil -A -d sql:nss -n authority -t CT,, -i crt.pem
    certutil -A -d sql:nss -n leaf -t ,, -i leaf.pem
    for usage in V C; do
        try certutil -V -d sql:nss -n leaf -e -u $usage
        is_status 0 "and NSS, for usage $usage"
    done
else
    skip "and NSS" "there is no certutil"
fi
go=$(command -v go || echo /usr/lib/go-1.19/bin/go)
if [ -x "$go" ]; then
    try env GO111MODULE=off GOCACHE="$work/go" "$go" run "$here/leaf.go" crt.pem leaf.pem
    is_status 0 "and Go, for servers and clients"
    out_has "enarx:technology/kvm" "which reads the URI"
else
    skip "and Go" "there is no go, which needs 450 MB: apt-get install golang-go"
fi
openssl x509 -in leaf.pem -noout -text >"$out"
out_has "URI:enarx:technology/kvm" "it says that nothing is protected"
out_has "1.3.6.1.4.1.58270.1.1" "and has the original's mark"
metrics=http://[::1]:$(sed -n 's/metrics on port //p' listening)
ask 200 "metrics are served on an address of their own" -g "$metrics/metrics"
stop
is_status 0 "and ends"
python3 - <<'EOF' >"$out" 2>"$err"
import json
for line in open('log'):
    event = json.loads(line)
    print(event['level'], event['message'], event.get('code'), event.get('status'), event.get('client'))
EOF
status=$?
out_has "info judged crl.expired None None" "with --log-format json each line of the log is an object"
out_has "info answered None 200 ::ffff:127.0.0.1" "with what was answered, and to whom"
[ "$(wc -l <audit.log)" = $((lines + 2)) ]; result $? "the audit log goes on"
pid=
finish
