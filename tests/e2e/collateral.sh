#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# enarx platform snp|sgx cache-… and steward --refresh against the vendors' services as recorded, over
# HTTPS. Started by Meson with STEWARD and VECTORS_ALL set.
. "${0%/*}/lib.sh"
v=$VECTORS_ALL
for program in openssl python3 curl; do
    command -v $program >/dev/null || {
        echo "1..0 # SKIP there is no $program"
        exit 0
    }
done
[ -f "$v/trust/intel/pck_platform_ca.der" ] || {
    echo "1..0 # SKIP there are no recorded answers of the vendors beside the repository"
    exit 0
}

make_certificate() { # file subjectAltName
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=services -days 2 \
        -addext "subjectAltName=$2" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
make_certificate good IP:127.0.0.1,DNS:localhost
make_certificate elsewhere DNS:elsewhere.example
python3 "$here/collateral_server.py" "$v" good.pem good.key >port 2>server.log &
servers=$!
python3 "$here/collateral_server.py" "$v" elsewhere.pem elsewhere.key >port2 2>server2.log &
servers="$servers $!"
trap 'kill $servers $pid 2>/dev/null; rm -rf "$work"' EXIT
pid=
until [ -s port ] && [ -s port2 ]; do sleep 0.1; done
url=https://127.0.0.1:$(cat port)
platform() { enarx platform "$@"; }
intel="--service $url --ca-bundle good.pem --collateral intel --time 2025-07-01T00:00:00Z"
amd="--service $url --ca-bundle good.pem --collateral amd --time 2023-01-01T00:00:00Z"

# Whom to believe.
try platform sgx cache-crl --service "$url" --collateral intel
is_status 124 "a service that no root of the system vouches for is not believed"
err_has "self-signed certificate" "and the reason is said"
try platform sgx cache-crl --service "https://127.0.0.1:$(cat port2)" --ca-bundle elsewhere.pem --collateral intel
is_status 124 "nor one whose certificate is for somebody else"
err_has "IP address mismatch" "and the reason is said"
[ ! -e requests ]; result $? "neither of them was asked for anything"
try platform sgx cache-crl --service ftp://x --collateral intel
is_status 120 "a service is a URL of http or https"

# Intel. The name is looked up by the program that is one file, too.
try platform sgx cache-crl $intel --service "https://localhost:$(cat port)/"
is_status 0 "a service has a name"
try platform sgx cache-crl $intel
is_status 0 "Intel's lists are fetched"
out_is "intel/intel-root.crl
intel/intel-processor.crl
intel/intel-platform.crl" "and named"
cmp -s intel/intel-platform.crl "$v/collateral/intel/crl_platform_20250619T100035.der"; result $? "as they were served"
try platform sgx cache-tcb $intel "$v/phala/sgx-v3.quote.bin"
is_status 0 "the TCB info and identity for an SGX quote are fetched"
try platform sgx cache-tcb $intel --tdx B0C06F000000
is_status 0 "and those of TDX for an FMSPC"
try enarx evidence verify --collateral intel --allow-unbound --time 2025-07-04T10:28:44Z "$v/phala/sgx-v3.quote.bin"
out_has "TCB status" "a quote is judged with nothing else"
enarx evidence verify --collateral intel --allow-unbound --json --time 2025-07-04T10:28:44Z "$v/phala/sgx-v3.quote.bin" >judged
grep -q '"code": "crl.missing"\|"code": "tcb_info.missing"\|"code": "qe_identity.missing"' judged
[ $? = 1 ]; result $? "and nothing is missing"
try platform sgx cache-tcb $intel 000000000000
is_status 124 "an FMSPC that the service does not know is an error"
err_has "does not have it" "and called so"
try platform sgx cache-tcb $intel "$v/veraison/milan-v3.report.bin"
is_status 120 "an SNP report has no FMSPC"

# Services that are busy, or broken for a moment.
: >requests
printf '429 1\n503\n' >faults
try platform sgx cache-crl $intel
is_status 0 "a service that is busy is asked again"
[ "$(grep -c IntelSGXRootCA requests)" = 3 ]; result $? "until it answers"
echo '429 100000' >faults
try platform sgx cache-crl $intel
is_status 124 "but not waited for without end"
err_has "come again in 100000 seconds" "and it is said why"
echo cut >faults
try platform sgx cache-crl $intel
is_status 0 "an answer that was cut off is fetched again"
echo 403 >faults
try platform sgx cache-crl $intel
is_status 124 "a service that refuses is not asked again"
err_has "status 403" "and its status is said"

# What no vendor vouches for is not kept.
cp -r intel before
for fault in changed empty other; do
    echo $fault >faults
    try platform sgx cache-tcb $intel --tdx b0c06f000000
    is_status 124 "an answer that is $fault is not kept"
    err_has "is not kept" "and it is said why"
done
try platform sgx cache-crl --service "$url" --ca-bundle good.pem --collateral intel --time 2026-11-01T00:00:00Z
is_status 124 "nor one that is out of date"
err_has "in the past" "and it is said why"
rm -rf young; mkdir young
at="--service $url --ca-bundle good.pem --collateral young --time 2025-06-25T00:00:00Z"
try platform sgx cache-crl $at
is_status 0 "two lists are valid at once"
cp young/intel-platform.crl younger
printf '%s\n' ok ok old >faults
try platform sgx cache-crl $at
err_has "older than what is there" "then the older one does not take the place of the younger"
cmp -s young/intel-platform.crl younger; result $? "which stays"
diff -r before intel >"$out"; result $? "all that time what was good was not touched"
[ -z "$(find . -name '.*.new')" ]; result $? "and no halves are left"

# AMD.
try platform snp cache-crl $amd
is_status 124 "AMD's list of Turin was not recorded"
err_has "Turin" "and it is said whose is missing"
[ -f amd/amd-milan.crl ] && [ -f amd/amd-genoa.crl ]; result $? "the others are there"
vek="--service $url --ca-bundle good.pem --collateral amd --time 2026-01-01T00:00:00Z"
for report in veraison/milan-v3 virtee-sev/milan-v2 oak/turin-v5; do
    try platform snp cache-vek $vek "$v/$report.report.bin"
    is_status 0 "the VCEK of $report is fetched"
    [ -f "$v/$report.vcek.der" ] && cmp -s "$(cat "$out")" "$v/$report.vcek.der"; result $? "the right one"
done
try platform snp cache-vek $vek "$v/phala/sgx-v3.quote.bin"
is_status 120 "a quote has no VCEK"

# A Steward fetches what is in its directory, and judges with it at once.
cp "$v/collateral/intel/crl_platform_20250604T091931.der" intel/intel-platform.crl
kept=$(ls intel | wc -l)
"$STEWARD" --host x --addr 127.0.0.1 --port 0 --collateral intel --refresh 1 --service "$url" --ca-bundle good.pem \
    --time 2025-07-01T00:00:00Z >listening 2>log &
pid=$!
for _ in $(seq 600); do
    grep -q reloaded log && break
    sleep 0.1
done
grep -q reloaded log; result $? "a Steward with --refresh fetches and reloads"
cmp -s intel/intel-platform.crl "$v/collateral/intel/crl_platform_20250619T100035.der"; result $? "a list that was old is new"
[ "$(ls intel | wc -l)" = "$kept" ]; result $? "nothing is in the directory that was not there before"
try curl -sf "http://127.0.0.1:$(sed -n 's/listening on port //p' listening)/readyz"
is_status 0 "and it serves"
kill -TERM "$pid"
wait "$pid"
status=$?
is_status 0 "and ends"
# What a request does not bring along comes from the directory.
enclave=$v/enarx/steward/icelake.signed.tcb.crl.single.i5.csr
{ echo 'workload = "optional"'; cat "$v/enarx/steward/steward.toml"; } >policy.toml
for directory in "" "--collateral $v/collateral/intel"; do
    : >listening
    # shellcheck disable=SC2086 # two words, or none
    "$STEWARD" --host x --addr 127.0.0.1 --port 0 --config policy.toml $directory --time 2023-02-20T00:00:00Z >listening 2>log &
    pid=$!
    until grep -q port listening; do sleep 0.1; done
    status=$(curl -s -o answer -w '%{http_code}' -H 'Content-Type: application/pkcs10' --data-binary "@$enclave" \
        "http://127.0.0.1:$(sed -n 's/listening on port //p' listening)/")
    kill -TERM "$pid"
    wait "$pid"
    cp log "$out"
    if [ -n "$directory" ]; then
        is_status 200 "with the vendor's documents in a directory a genuine SGX request gets a certificate"
    else
        is_status 400 "without them it is refused"
    fi
done
pid=
try "$STEWARD" --host x --refresh 1
is_status 120 "without a directory there is nothing to fetch"
try "$STEWARD" --host x --collateral intel --refresh 0
is_status 120 "--refresh 0 is a mistake"
finish
