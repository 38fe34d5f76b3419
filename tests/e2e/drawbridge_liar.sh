#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# enarx against a Drawbridge that lies. Without this, a server could hand out another program than
# the one that was published, or write outside of the directory that a package is fetched to.
. "${0%/*}/lib.sh"
. "$here/drawbridge_lib.sh"
need openssl python3 script
unset ENARX_TOKEN ENARX_TOKEN_FILE ENARX_CREDENTIAL_HELPER
export XDG_DATA_HOME="$work/data"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.crt \
    -subj /CN=localhost -days 5 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
python3 "$here/drawbridge_liar.py" server.crt server.key >listening 2>log &
pid=$!
wait_for port listening
export ENARX_CA_BUNDLE="$work/server.crt"
ENARX_STORE_HOST=127.0.0.1:$(sed -n 's/port //p' listening)
export ENARX_STORE_HOST

try enarx package fetch alice/honest:1.0.0 honest
is_status 0 "what is honest is fetched"
[ -f honest/main.wasm ]; result $? "and is there"

script -qec "\"$ENARX\" package fetch alice/slow:1.0.0 slow" terminal >"$out" 2>"$err"
status=$?
is_status 0 "what is slow is fetched, too"
out_has "% of 0.1 MiB" "and on a terminal it is shown how far it is"
try enarx package fetch alice/slow:1.0.0 slow2
err_is "" "but not elsewhere"

lie() { # repository "sentence" "name"
    mkdir -p inner
    try enarx package fetch "alice/$1:1.0.0" inner/fetched
    is_status 124 "$3"
    err_has "$2" "and it is said why ($1)"
    [ -z "$(ls -A inner)" ] && [ ! -e evil ] && [ ! -e b ]
    result $? "and nothing is left ($1)"
}
lie content "length or digest differ" "a file with another content is refused"
lie short "length or digest differ" "one that is too short"
lie long "longer than its tag says" "one that is too long"
lie cut "cannot receive from" "one that ends too early"
lie header "wrong, Content-Digest" "one whose own digest is wrong"
lie root "length or digest differ" "a directory that the tag does not name"
lie taghead "digest that was announced" "a tag that is not what its answer says"
lie nodigest "not an entry with digests" "a tag without digests"
lie nojson "not an entry with digests" "a tag that is no JSON"
lie climb "not a directory in canonical form" "a name that climbs out"
lie dots "not a directory in canonical form" "the name .."
lie hidden "not a directory in canonical form" "the name ."
lie slash "not a directory in canonical form" "a name with a slash"
lie unsorted "not a directory in canonical form" "names out of order"
lie spaces "not a directory in canonical form" "white space in a directory"
lie deep "name is not allowed" "a tree that is too deep"
lie huge "a is too much for a package, which has at most 16 GiB" "a tree that would fill the disk"
lie redirect '`302`' "an answer that leads elsewhere"
lie screen "no ?[2Jway??" "text that would change the screen"

finish
