#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where a Steward's key is: in a file named in @FILE, another one after SIGHUP, in a token behind
# PKCS#11. Started by Meson with STEWARD and STEWARD_STATIC set.
. "${0%/*}/lib.sh"
for program in curl openssl python3; do
    command -v $program >/dev/null || {
        echo "1..0 # SKIP there is no $program"
        exit 0
    }
done
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT

printf '[a]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n[req]\ndistinguished_name=d\n[d]\n' >ca.cnf
make_authority() { # name curve
    openssl ecparam -name "$2" -genkey -noout -out "$1.key" 2>/dev/null
    openssl req -new -x509 -key "$1.key" -subj "/CN=$1" -days 30 -config ca.cnf -extensions a -out "$1.crt" 2>/dev/null
}
start() {
    : >listening
    "$STEWARD" "$@" --addr 127.0.0.1 --port 0 >listening 2>log &
    pid=$!
    until grep -q port listening || ! kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    url=http://127.0.0.1:$(sed -n 's/listening on port //p' listening)
}
stop() {
    kill -TERM "$pid"
    wait "$pid"
    status=$?
    pid=
}
certify() { # the certificate that is issued, to NAME.pem
    curl -s -o path.der -H "Content-Type: application/pkcs10" --data-binary @kvm.csr "$url/"
    python3 "$here/der_split.py" path.der part >/dev/null
    openssl x509 -inform der -in part1 -out "$1.pem"
}
make_authority old prime256v1
make_authority new secp384r1
openssl ecparam -name prime256v1 -genkey -noout -out keep.key 2>/dev/null
python3 "$here/kvm_request.py" keep.key >kvm.csr
printf 'debug = true\nworkload = "optional"\n' >policy.toml

# @FILE.
cat >options.toml <<'END'
key = "current.key"
crt = "current.crt"
config = "policy.toml"
END
cp old.key current.key
cp old.crt current.crt
try "$STEWARD" @options.toml --check-config
is_status 0 "options may be in a file"
echo 'kye = "x"' >wrong.toml
try "$STEWARD" @wrong.toml
is_status 120 "where an option that is not known is a mistake, too"
echo 'key = {}' >wrong.toml
try "$STEWARD" @wrong.toml
is_status 121 "and a table is one of the file"
try "$STEWARD" @absent.toml
is_status 124 "a file that is not there is an error"

# From one authority to the next, as docs/steward.md says: what was issued before stays valid.
start @options.toml
certify before
cp new.key current.key
kill -HUP "$pid"
until grep -q "not reloaded" log; do sleep 0.1; done
err_log=$(grep -c "does not belong" log)
[ "$err_log" = 1 ]; result $? "a key without its certificate is not taken"
certify between
cp new.crt current.crt
kill -HUP "$pid"
until grep -q " reloaded" log; do sleep 0.1; done
certify after
stop
is_status 0 "the Steward went through it without an end"
cat old.crt new.crt >both.crt
for name in before between after; do
    try openssl verify -x509_strict -CAfile both.crt $name.pem
    is_status 0 "who believes both authorities believes what was issued $name"
done
try openssl verify -CAfile old.crt between.pem
is_status 0 "until the pair is complete the old one signs"
try openssl verify -CAfile new.crt after.pem
is_status 0 "then the new one"
try openssl verify -CAfile old.crt after.pem
[ "$status" != 0 ]; result $? "and only it"

# What SIGHUP does not read again, and what it begins anew.
start --key new.key --crt new.crt --config - --audit audit.log <policy.toml
certify input
mv audit.log audit.old
kill -HUP "$pid"
until grep -q " reloaded" log; do sleep 0.1; done
certify input
certify input
stop
try openssl verify -CAfile new.crt input.pem
is_status 0 "a policy from standard input stays after SIGHUP"
[ "$(wc -l <audit.old)" = 1 ] && [ "$(wc -l <audit.log)" = 2 ]
result $? "an audit log that was renamed ends, and a new one begins"
cat audit.old audit.log | python3 -c '
import hashlib, json, sys
previous = "0" * 64
for line in sys.stdin.read().splitlines():
    assert json.loads(line)["previous"] == previous, line
    previous = hashlib.sha256(line.encode()).hexdigest()' 2>"$err"
status=$?
is_status 0 "with the hash of the last line of the old one"

# A token.
module=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2>/dev/null | head -n 1)
engine=$(ls /usr/lib/*/engines-3/pkcs11.so 2>/dev/null | head -n 1)
if command -v softhsm2-util >/dev/null && [ -n "$module" ] && [ -n "$engine" ]; then
    mkdir tokens
    echo "directories.tokendir = $work/tokens" >softhsm2.conf
    export SOFTHSM2_CONF="$work/softhsm2.conf" PKCS11_MODULE_PATH="$module"
    printf 5678 >pin
    softhsm2-util --init-token --free --label steward --so-pin 1234 --pin 5678 >"$out" 2>"$err"
    openssl pkcs8 -topk8 -nocrypt -in new.key -out import.pem
    softhsm2-util --import import.pem --token steward --label authority --id 01 --pin 5678 >"$out" 2>"$err"
    rm import.pem
    key="pkcs11:token=steward;object=authority;type=private?pin-source=file:$work/pin"
    start --key "$key" --crt new.crt --config policy.toml
    certify token
    stop
    is_status 0 "a Steward serves with a key in a token"
    try openssl verify -x509_strict -CAfile new.crt token.pem
    is_status 0 "and what it issues verifies"
    try "$STEWARD" --key "$key" --crt old.crt --check-config
    is_status 121 "a certificate of another key is an error"
    try "$STEWARD" --key "pkcs11:token=steward;object=nobody?pin-value=5678" --crt new.crt --check-config
    is_status 121 "a key that is not there, too"
    ! grep -q 5678 "$err"; result $? "which is told without the PIN"
    try "$STEWARD_STATIC" --key "$key" --crt new.crt --check-config
    is_status 121 "the Steward that is one file says that it cannot use tokens"
else
    skip "a Steward serves with a key in a token" "there is no softhsm2 with OpenSSL's engine pkcs11"
fi
finish
