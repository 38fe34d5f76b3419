#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# enarx evidence: exit statuses, JSON, files of all kinds.
. "${0%/*}/lib.sh"
v=$VECTORS_SMALL
milan=$v/veraison/milan-v3
now=--time=2026-01-01T00:00:00Z

# A field of the JSON in $out, by python3.
json_is() { # field value name
    if command -v python3 >/dev/null; then
        [ "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$out" "$1")" = "$2" ]
        result $? "$3"
    else
        skip "$3" "there is no python3"
    fi
}

try enarx evidence verify $now --vek "$milan.vcek.der" "$milan.report.bin"
is_status 0 "a genuine report is accepted"
out_has "accepted:" "and the text says so"
out_has "Milan" "and names the product"
try enarx evidence verify $now --json --vek "$milan.vcek.der" "$milan.report.bin"
json_is verdict accepted "JSON: verdict"
json_is code accepted "JSON: code"
json_is technology snp "JSON: technology"
json_is report_version 3 "JSON: report_version"
json_is valid_until 2032-01-27T23:17:04Z "JSON: valid_until"
json_is workload None "JSON: no workload in a raw report"

openssl x509 -inform der -in "$milan.vcek.der" -out vcek.pem 2>/dev/null
try enarx evidence verify $now --vek vcek.pem "$milan.report.bin"
is_status 0 "a certificate may be PEM"
try enarx evidence verify --time 2032-01-27T23:17:05Z --json --vek vcek.pem "$milan.report.bin"
is_status 1 "a second too late is refused"
json_is code certificate.expired "with a code"
try enarx evidence verify $now "$milan.report.bin"
is_status 1 "without its certificate a report is refused"
out_has "snp.vek.missing" "and the text has the code"

mkdir collateral
for name in tcbinfo_TDX_90c06f000000_20260316T220609_eval18.json \
    qeid_TD_QE_20260316T221603_eval18.json crl_platform_20260316T223405.der \
    crl_root_20260226T130400.der tcbinfo_SGX_00a067110000_20250619T105611_eval17.json; do
    cp "$v/collateral/intel/$name" "collateral/file$((n = n + 1))"
done
echo "not for us" >collateral/README
try enarx evidence verify --time 2026-03-31T22:20:07Z --json --collateral collateral \
    "$v/go-tdx-guest/tdx-v5.quote.bin"
is_status 0 "a quote is judged with a directory whose files have any names"
json_is tcb_status UpToDate "JSON: tcb_status"
try enarx evidence verify --time 2026-03-31T22:20:07Z "$v/go-tdx-guest/tdx-v5.quote.bin"
is_status 1 "and refused without"

csr=$v/enarx/steward/milan.signed.crl.csr
try enarx evidence verify --time 2023-02-01T00:00:00Z --policy "$v/enarx/steward/steward.toml" "$csr"
is_status 1 "a request that names no workload is refused"
out_has "evidence.unbound" "with a code"
try enarx evidence verify --time 2023-02-01T00:00:00Z --policy "$v/enarx/steward/steward.toml" \
    --allow-unbound "$csr"
is_status 0 "but accepted with --allow-unbound"
for name in multi.xeon single.i5; do
    [ -f "$v/enarx/steward/icelake.signed.tcb.crl.$name.csr" ] || continue
    try enarx evidence verify --time 2023-02-01T00:00:00Z \
        --policy "$v/enarx/steward/steward.toml" --allow-unbound \
        "$v/enarx/steward/icelake.signed.tcb.crl.$name.csr"
    is_status 0 "the original's SGX request ($name) is accepted at its time"
done

try enarx evidence verify absent
is_status 124 "a file that is not there is an error, not a refusal"
try enarx evidence verify --time yesterday "$csr"
is_status 120 "a time that is none is a mistake"
err_has "2026-01-02T03:04:05Z" "and the form is shown"
echo 'hashes = []' >policy.toml
try enarx evidence verify --policy policy.toml "$csr"
is_status 121 "a policy with an unknown key is an error"
echo >empty.toml
try enarx evidence verify $now --policy empty.toml --vek vcek.pem "$milan.report.bin"
is_status 1 "a policy without rules accepts nothing"
out_has "policy.technology" "with a code"
mkdir empty
try enarx evidence verify $now --collateral empty --vek vcek.pem "$milan.report.bin"
is_status 124 "a directory without collateral is an error"
head -c 100 "$milan.report.bin" >short
try enarx evidence verify $now --vek vcek.pem short
is_status 1 "a part of a report is refused"

try enarx evidence show "$milan.report.bin"
is_status 0 "a report is shown"
out_has "  POLICY: 0x30000 (SMT, must be one)" "with its flags by name"
for file in "$csr" "$v/go-tdx-guest/tdx-v5.quote.bin" vcek.pem collateral/file1 collateral/file3; do
    try enarx evidence show --json "$file"
    is_status 0 "${file##*/} is shown as JSON"
    if command -v python3 >/dev/null; then
        python3 -m json.tool "$out" >/dev/null; result $? "which is JSON"
    fi
done
try enarx evidence show collateral/README
is_status 121 "what is no evidence is an error"
finish
