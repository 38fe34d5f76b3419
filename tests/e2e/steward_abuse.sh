#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Abuse and load: a Steward answers others meanwhile and afterwards, within its limits. Started by
# Meson with STEWARD and VECTORS_SMALL set.
. "${0%/*}/lib.sh"
v=$VECTORS_SMALL/enarx/steward
command -v python3 >/dev/null || {
    echo "1..0 # SKIP there is no python3"
    exit 0
}
{ echo 'workload = "optional"'; echo '[limits]'; echo 'certifications_per_minute = 0'; cat "$v/steward.toml"; } >policy.toml
"$STEWARD" --host steward.example --config policy.toml --time 2023-02-01T00:00:00Z --audit audit.log \
    --addr 127.0.0.1 --port 0 --metrics 127.0.0.1:0 >listening 2>log &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
until grep -q metrics listening; do
    kill -0 "$pid" || exit 1
    sleep 0.1
done
port=$(sed -n 's/listening on port //p' listening)
metrics=$(sed -n 's/metrics on port //p' listening)
python3 "$here/steward_abuse.py" "$port" "$metrics" "$pid" "$v/milan.signed.crl.csr" audit.log >"$out" 2>"$err"
status=$?
is_status 0 "the client comes to its end"
out_has "ok smuggling" "what could be understood differently is refused, and ends the connection"
out_has "ok heads" "heads are limited in size and lines"
out_has "ok connections" "one client cannot take all connections"
out_has "ok slow_heads" "heads that come byte by byte keep nobody waiting"
out_has "ok slow_bodies" "bodies that never end do not use up the memory"
out_has "ok slow_readers" "who does not read his answers keeps nobody waiting"
out_has "ok resets" "connections that are reset leave nothing behind"
out_has "ok mutations" "malformed requests get 400 while good ones get certificates"
out_has "ok afterwards" "afterwards it answers, holds no memory, and its audit log is whole"
kill -TERM "$pid"
wait "$pid"
status=$?
is_status 0 "and it ends when it is told"
finish
