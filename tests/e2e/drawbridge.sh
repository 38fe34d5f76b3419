#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# drawbridge as a program: the original's interface and what goes beyond it, with curl, a real
# OpenID provider and certificates as a Steward issues them.
. "${0%/*}/lib.sh"
. "$here/drawbridge_lib.sh"
need curl openssl python3 node

drawbridge() { "$DRAWBRIDGE" "$@"; }
try drawbridge --oidc-issuer https://a.example --oidc-audience a
is_status 120 "without a store nothing starts"
try drawbridge --store s --oidc-issuer http://a.example --oidc-audience a --check-config
is_status 121 "an issuer that is not protected is refused"
err_has "https" "and the hint says how"
printf 'oidc-issuer = "https://a.example"\noidc-audience = "a"\nstore = "s"\nretension = 5\n' >config.toml
try drawbridge --config config.toml --check-config
is_status 121 "an unknown key of the configuration is an error"
err_has 'Did you mean "retention"' "with the one that was meant"
sed -i 's/retension = 5/retention = 5\nkeep-technologies = ["snp", "kvm"]/' config.toml
try drawbridge @config.toml --check-config
is_status 0 "@FILE reads options as the original does"
try drawbridge --config config.toml --retention x --check-config
is_status 120 "a number has to be one"
[ ! -e s ]; result $? "--check-config makes nothing"

start_provider

# A Steward's authority, the server's certificate, and certificates of Keeps.
for name in ca root; do openssl ecparam -name prime256v1 -genkey -noout -out $name.key 2>/dev/null; done
printf '[req]\ndistinguished_name=d\n[d]\n[a]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n' >ca.cnf
# The Steward's own certificate is issued by another authority, as in production.
openssl req -new -x509 -key root.key -subj /CN=root -days 30 -config ca.cnf -extensions a -out root.crt 2>/dev/null
openssl req -new -key ca.key -subj /CN=steward -config ca.cnf -out ca.csr 2>/dev/null
openssl x509 -req -in ca.csr -CA root.crt -CAkey root.key -CAcreateserial -days 30 -extfile ca.cnf -extensions a -out ca.crt 2>/dev/null
certify() { # name "subjectAltName" days
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=%s\n' "$2" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}
certify server "IP:127.0.0.1,DNS:localhost" 10

scheme=https
start_store
# shellcheck disable=SC2086 # words
start_drawbridge $store_options --cert server.crt --key server.key --ca ca.crt --metrics-addr 127.0.0.1:0 \
    --user-bytes-max 3000000 --user-repositories-max 4 --retention 0 --care-interval 1
ask 200 "it is healthy" GET /health
ask 200 "and ready" GET /readyz
cat ca.crt root.crt >chain.crt
try curl -s --cacert chain.crt -o /dev/null -w '%{http_code}' "$url/livez"
out_is 200 "over TLS that curl verifies"

alice="Authorization: Bearer $(token 'test|alice' "$all")"
bob="Authorization: Bearer $(token 'test|bob' "$all")"

# Routes.
ask 404 "what is no interface is not found" GET /x
has 'Route `/x` not found' "in the original's words"
ask 400 "a version has to be one" GET /api/v1/user
ask 501 "a newer version is not served" GET /api/v0.5.0/user
ask 501 "nor a newer major one" GET /api/v1.0.0/user
ask 401 "older ones and the client's of Benefice are" GET /api/v0.2.0/user
ask 400 "a user's name has no dots" GET $api/us.er
ask 400 "a repository's no slashes" GET $api/user/a/b
ask 400 "a tag is a semantic version" GET $api/user/repo/_tag/v1
ask 400 "nothing climbs out of a tree" GET $api/user/repo/_tag/1.0.0/tree/a/%2e%2e/b --path-as-is
ask 400 "however it is written" GET $api/user/repo/_tag/1.0.0/tree/../../x --path-as-is
ask 404 "what is not below a tag is not found" GET $api/user/repo/_tag/1.0.0/x
ask 405 "methods are those of the endpoint" DELETE $api/user
ask 405 "everywhere" PUT $api/user/repo/_tag

# Users.
printf '{"subject":"test|alice"}' >user
put 401 "nobody without a token makes a user" $api/alice application/json user
has "Bearer token header missing" "and is told so"
put 401 "nor with a broken one" $api/alice application/json user -H "${alice}x"
has "Invalid token provided" "which is told, too"
put 401 "nor with one that has expired" $api/alice application/json user \
    -H "Authorization: Bearer $(token 'test|alice' "$all" ttl=-3600)"
put 401 "nor with one for others" $api/alice application/json user \
    -H "Authorization: Bearer $(token 'test|alice' "$all" aud=other)"
put 401 "nor without the scope" $api/alice application/json user \
    -H "Authorization: Bearer $(token 'test|alice' 'read:drawbridge_users')"
has "Token is missing a scope for level write, context drawbridge_users" "which is named"
put 401 "nor for somebody else" $api/alice application/json user -H "$bob"
has "OpenID Connect subject mismatch" "which is told"
ask 401 "who has no user is told that" GET $api/alice -H "$alice"
has 'User with OpenID Connect subject `test|alice` not found' "in the words of the client's tests"
put 201 "a user is made" $api/alice application/json user -H "$alice"
put 409 "once" $api/alice application/json user -H "$alice"
put 409 "and one for each person" $api/alice2 application/json user -H "$alice"
has 'User already associated with OpenID Connect subject `test|alice`' "in the words of the client's tests"
ask 200 "it is read" GET $api/alice -H "$alice"
is '{"subject":"test|alice"}' "as it was written"
head_has "content-digest: $(digests user)" "with its digests"
head_has "content-type: application/json" "and its type"
ask 200 "its head alone as well" HEAD $api/alice -H "$alice"
ask 401 "by nobody else" GET $api/alice -H "$bob"
printf '{"subject":"test|bob"}' >user2
put 201 "another user is made" $api/bob application/json user2 -H "$bob"
ask 401 "others are not read" GET $api/alice -H "$bob"
has 'You are logged in as `test|bob`, and not authorized for user `alice`' "in the original's words"
printf '{"subject":"x","more":1}' >wrong
put 422 "unknown members are refused" $api/x application/json wrong -H "$alice"
put 400 "JSON that is none, too" $api/x application/json ca.crt -H "$alice"
put 415 "and JSON as another type" $api/x text/plain user -H "$alice"

# Each algorithm of the provider.
for alg in RS256 ES256 EdDSA; do
    ask 200 "$alg tokens are verified" GET $api/alice \
        -H "Authorization: Bearer $(token 'test|alice' "$all" alg=$alg)"
done
# Other keys.
curl -s "$issuer/rotate"
ask 200 "a token of new keys is good at once" GET $api/alice \
    -H "Authorization: Bearer $(token 'test|alice' "$all" alg=ES256)"
ask 401 "one of keys that are no more is not" GET $api/alice -H "$alice"
alice="Authorization: Bearer $(token 'test|alice' "$all")"
bob="Authorization: Bearer $(token 'test|bob' "$all")"

# Repositories.
printf '{"public":true}' >public
printf '{"public":false}' >private
put 201 "a repository is made" $api/alice/hello application/json public -H "$alice"
put 409 "once" $api/alice/hello application/json public -H "$alice"
put 401 "by its owner" $api/alice/other application/json public -H "$bob"
ask 200 "it is read by its owner" GET $api/alice/hello -H "$alice"
is '{"public":true}' "as it was written"
ask 401 "and not by everybody" GET $api/alice/hello
ask 404 "there are no others" GET $api/alice/nothing -H "$alice"
has "Repository does not exist" "in the original's words"
ask 200 "it has no tags yet" GET $api/alice/hello/_tag
is '[]' "so the list is empty"

# A package: the reference values of the original.
printf 'steward = "example.com"\nargs = ["foo", "bar"]' >toml
printf '\336\255\276\357' >wasm
printf '{"Enarx.toml":%s,"main.wasm":%s}' "$(entry application/toml toml)" "$(entry application/octet-stream wasm)" >root
[ "$(b64 sha256 root)" = FROAZ1HBVkPPA+V846fvW0nAuvkrWib9Dpfm+8AfQlw= ]; result $? "the directory is that of the original"
entry $t_directory root >tag
t=$api/alice/hello/_tag/1.0.0
put 404 "a tree needs its tag" $t/tree $t_directory root -H "$alice"
ask 400 "a tag needs a digest" PUT $t -H "Content-Type: $t_entry" --data-binary @tag -H "$alice"
has "At least one content digest value must be specified" "in the original's words"
put 400 "and the right type" $t application/json tag -H "$alice"
ask 400 "a digest that is wrong is noticed" PUT $t -H "Content-Type: $t_entry" --data-binary @tag -H "$alice" \
    -H "Content-Digest: $(digests root)"
has "Content digest mismatch" "and told"
ask 400 "one that is malformed as well" PUT $t -H "Content-Type: $t_entry" --data-binary @tag -H "$alice" \
    -H "Content-Digest: md5=:AAAA:"
put 401 "only the owner tags" $t $t_entry tag -H "$bob"
put 201 "a tag is made" $t $t_entry tag -H "$alice"
put 409 "once" $t $t_entry tag -H "$alice"
put 404 "a file needs its directory" $t/tree/main.wasm application/octet-stream wasm -H "$alice"
put 400 "the root is what the tag says" $t/tree $t_directory public -H "$alice"
put 201 "the root is uploaded" $t/tree $t_directory root -H "$alice"
put 400 "a file has the digest that its directory says" $t/tree/main.wasm application/octet-stream toml -H "$alice"
put 400 "and the type" $t/tree/main.wasm application/wasm wasm -H "$alice"
put 400 "and is listed there" $t/tree/more application/octet-stream wasm -H "$alice"
ask 400 "what it is said to be is what comes" PUT $t/tree/main.wasm -H "$alice" -H "Content-Type: application/octet-stream" \
    -H "Content-Digest: $(digests wasm)" --data-binary abcd
ask 404 "and nothing is left of what did not" GET $t/tree/main.wasm
put 201 "a file is uploaded" $t/tree/main.wasm application/octet-stream wasm -H "$alice"
put 409 "once" $t/tree/main.wasm application/octet-stream wasm -H "$alice"
put 201 "another one" $t/tree/Enarx.toml application/toml toml -H "$alice"
ask 200 "everybody reads a public tag" GET $t
cmp -s answer tag; result $? "byte for byte"
ask 200 "and its root" GET $t/tree/
cmp -s answer root; result $? "byte for byte"
ask 200 "and its files" GET $t/tree/main.wasm
cmp -s answer wasm; result $? "byte for byte"
head_has "content-digest: $(digests wasm)" "with digests"
head_has "content-type: application/octet-stream" "and type"
etag=$(sed -n 's/^ETag: //ip' headers | tr -d '\r')
ask 304 "what one has is not sent again" GET $t/tree/main.wasm -H "If-None-Match: $etag"
ask 206 "a part can be had" GET $t/tree/main.wasm -H "Range: bytes=1-2"
[ "$(od -An -tx1 answer)" = " ad be" ]; result $? "which is that part"
head_has "content-range: bytes 1-2/4" "and says so"
ask 206 "also from the end" GET $t/tree/main.wasm -H "Range: bytes=-1"
ask 416 "what is behind the end cannot" GET $t/tree/main.wasm -H "Range: bytes=4-"
ask 200 "a condition that does not hold gives the whole" GET $t/tree/main.wasm -H "Range: bytes=1-2" -H 'If-Range: "x"'
ask 200 "an invalid token does not matter for what is public" GET $t -H "Authorization: Bearer x"
ask 200 "the tag is listed" GET $api/alice/hello/_tag
is '["1.0.0"]' "by its name"

# A nested tree, with a file of some size.
head -c 1500000 /dev/urandom >large
printf bar >bar
printf '{"tEst-file..__.foo.42.":%s}' "$(entry application/octet-stream bar)" >sub
printf '{"dir":%s,"zz":%s}' "$(entry $t_directory sub)" "$(entry application/wasm large)" >root2
entry $t_directory root2 >tag2
t2=$api/alice/hello/_tag/2.0.0-rc.1+build
put 201 "a second tag, with all that a version may have" $t2 $t_entry tag2 -H "$alice"
put 201 "its root" $t2/tree $t_directory root2 -H "$alice"
put 201 "a directory in it" $t2/tree/dir $t_directory sub -H "$alice"
put 201 "a file in that" "$t2/tree/dir/tEst-file..__.foo.42." application/octet-stream bar -H "$alice"
put 201 "a large file" $t2/tree/zz application/wasm large -H "$alice"
ask 200 "it comes back" GET $t2/tree/zz
cmp -s answer large; result $? "byte for byte"
ask 206 "and any part of it" GET $t2/tree/zz -H "Range: bytes=700000-700999"
python3 -c "print(open('large','rb').read()[700000:701000] == open('answer','rb').read())" >"$out"
out_is True "which is that part"
ask 200 "lists have pages" GET "$api/alice/hello/_tag?n=1"
is '["1.0.0"]' "of the size that is wanted"
head_has "link: <$api/alice/hello/_tag?n=1&last=1.0.0>; rel=\"next\"" "and a link to the next"
ask 200 "which follows" GET "$api/alice/hello/_tag?n=1&last=1.0.0"
is '["2.0.0-rc.1+build"]' "behind the last"

# The quota: 3000000 bytes and 4 repositories.
put 201 "a second repository" $api/alice/secret application/json private -H "$alice"
t3=$api/alice/secret/_tag/1.0.0
entry application/wasm large >tag3
put 201 "a tag whose root is a file" $t3 $t_entry tag3 -H "$alice"
put 507 "more than the quota is not taken" $t3/tree application/wasm large -H "$alice"
ask 200 "usage can be asked" GET $api/alice/_usage -H "$alice"
has '"repositories":2,"repositories_limit":4' "and says what is used"
entry application/wasm wasm >tag4
t4=$api/alice/secret/_tag/1.1.0
put 201 "a smaller one" $t4 $t_entry tag4 -H "$alice"
put 201 "is taken" $t4/tree application/wasm wasm -H "$alice"

# Who reads what is private.
ask 401 "nobody" GET $t4/tree
ask 401 "nor another user" GET $t4/tree -H "$bob"
ask 200 "the owner" GET $t4/tree -H "$alice"
certify keep "URI:enarx:technology/snp,URI:ni:///sha-256;$(openssl dgst -binary -sha256 wasm | openssl base64 -A | tr '+/' '-_' | tr -d '='),URI:enarx:package/store.example/alice/secret:1.1.0" 5
certify named "URI:enarx:technology/snp,URI:ni:///sha-256;$(openssl dgst -binary -sha256 wasm | openssl base64 -A | tr '+/' '-_' | tr -d '='),URI:enarx:package/store.example/alice/secret:9.9.9" 5
certify wrong "URI:enarx:technology/snp,URI:ni:///sha-256;$(openssl dgst -binary -sha256 toml | openssl base64 -A | tr '+/' '-_' | tr -d '=')" 5
certify kvm "URI:enarx:technology/kvm,URI:ni:///sha-256;$(openssl dgst -binary -sha256 wasm | openssl base64 -A | tr '+/' '-_' | tr -d '=')" 5
certify plain "DNS:keep.example" 5
ask 200 "a Keep that runs this package" GET $t4/tree --cert keep.crt --key keep.key
cmp -s answer wasm; result $? "gets it"
ask 200 "and its tag" GET $t4 --cert keep.crt --key keep.key
ask 401 "but no other" GET $t3 --cert keep.crt --key keep.key
ask 401 "nor the list" GET $api/alice/secret/_tag --cert keep.crt --key keep.key
ask 401 "a Keep that has another name for it does not" GET $t4/tree --cert named.crt --key named.key
ask 401 "nor one that runs another package" GET $t4/tree --cert wrong.crt --key wrong.key
ask 401 "nor one without protection" GET $t4/tree --cert kvm.crt --key kvm.key
ask 401 "nor another certificate of the Steward" GET $t4/tree --cert plain.crt --key plain.key
ask 401 "a certificate writes nothing" PUT $api/alice/new --cert keep.crt --key keep.key -H "Content-Type: application/json" --data-binary @public
openssl req -new -x509 -key keep.key -subj /CN=evil -days 5 -out evil.crt 2>/dev/null
ask 000 "a certificate of somebody else ends the handshake" GET /health --cert evil.crt --key keep.key

# Grants.
g=$api/alice/secret/_grant
printf '{"access":"read"}' >read
printf '{"access":"write"}' >write
ask 404 "who is no user gets no grant" PUT $g/nobody -H "$alice" -H "Content-Type: application/json" --data-binary @read
ask 204 "a grant is given" PUT $g/bob -H "$alice" -H "Content-Type: application/json" --data-binary @read
ask 200 "grants are listed" GET $g -H "$alice"
is '[{"user":"bob","access":"read"}]' "with what they allow"
ask 200 "who has one reads" GET $t4/tree -H "$bob"
put 401 "and does not write" $api/alice/secret/_tag/1.2.0 $t_entry tag4 -H "$bob"
ask 204 "unless he may" PUT $g/bob -H "$alice" -H "Content-Type: application/json" --data-binary @write
put 201 "then he does" $api/alice/secret/_tag/1.2.0 $t_entry tag4 -H "$bob"
ask 401 "but gives no grants" GET $g -H "$bob"
ask 204 "a grant is taken back" DELETE $g/bob -H "$alice"
ask 404 "once" DELETE $g/bob -H "$alice"
ask 401 "and is gone" GET $t4/tree -H "$bob"

# Deployment tokens.
d=$api/alice/secret/_token
ask 401 "only the owner makes tokens" POST $d -H "$bob" -H "Content-Type: application/json" -d '{"scopes":["read"]}'
ask 422 "they have scopes" POST $d -H "$alice" -H "Content-Type: application/json" -d '{}'
ask 201 "a token is made" POST $d -H "$alice" -H "Content-Type: application/json" -d '{"scopes":["read"],"tag":"1.1.0"}'
dbt=$(sed 's/.*"token":"\([^"]*\)".*/\1/' answer) id=$(sed 's/.*"id":"\([^"]*\)".*/\1/' answer)
ask 200 "it reads its tag" GET $t4/tree -H "Authorization: Bearer $dbt"
ask 401 "and no other" GET $t3 -H "Authorization: Bearer $dbt"
ask 401 "and does not write" PUT $t4/tree/x -H "Authorization: Bearer $dbt" -H "Content-Type: a/b" -d x
ask 401 "a changed one is none" GET $t4/tree -H "Authorization: Bearer ${dbt%?}"
ask 200 "tokens are listed" GET $d -H "$alice"
has "$id" "by their names"
grep -q "$dbt\|hash" answer; [ $? = 1 ]; result $? "and not by what they are"
ask 204 "a token is revoked" DELETE "$d/$id" -H "$alice"
ask 401 "and is none any more" GET $t4/tree -H "Authorization: Bearer $dbt"
ask 201 "a token that writes" POST $d -H "$alice" -H "Content-Type: application/json" -d '{"scopes":["write"],"lifetime":60}'
dbt=$(sed 's/.*"token":"\([^"]*\)".*/\1/' answer)
put 201 "publishes" $api/alice/secret/_tag/1.3.0 $t_entry tag4 -H "Authorization: Bearer $dbt"
ask 401 "and does not read" GET $t4 -H "Authorization: Bearer $dbt"
! grep -q "dbt_\|eyJ" log; result $? "no token is in the log"

# Yank, delete, restore.
ask 401 "not everybody yanks" PUT $t/yank
ask 204 "a tag is yanked" PUT $t/yank -H "$alice" -H "Content-Type: application/json" -d '{"reason":"a \"defect\""}'
ask 200 "and is not listed" GET $api/alice/hello/_tag
is '["2.0.0-rc.1+build"]' "any more"
ask 200 "but with those that are yanked" GET "$api/alice/hello/_tag?yanked=1"
is '["1.0.0"]' "it is"
ask 200 "it is read by its name" GET $t
head_has "drawbridge-yanked: 1" "with a mark"
ask 200 "and why" GET $t/yank
has '"reason":"a \"defect\""' "is told"
ask 204 "the yank is taken back" DELETE $t/yank -H "$alice"
ask 404 "once" DELETE $t/yank -H "$alice"

# Public metadata.
ask 404 "of what is private there are no metadata" GET $t4/meta
ask 422 "unless it is https" PUT $t4/meta -H "$alice" -H "Content-Type: application/json" -d '{"steward":"http://s.example"}'
ask 204 "the owner puts some" PUT $t4/meta -H "$alice" -H "Content-Type: application/json" \
    -d '{"steward":"https://s.example","digest":{"sha-256":"'"$(b64 sha256 wasm)"'"}}'
ask 200 "then everybody reads them" GET $t4/meta
has '"steward":"https://s.example","yanked":false}' "with the Steward"
has "\"sha-256\":\"$(b64 sha256 wasm)\"" "and the digest"
ask 200 "of what is public there are always some" GET $t/meta
ask 204 "they are taken away" DELETE $t4/meta -H "$alice"
ask 404 "and gone" GET $t4/meta

# Signatures.
python3 - tag >sign.json <<'PY'
import base64, json, subprocess, sys
url = lambda b: base64.urlsafe_b64encode(b).rstrip(b'=').decode()
subprocess.run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', 'ed.pem'], check=True)
der = subprocess.run(['openssl', 'pkey', '-in', 'ed.pem', '-pubout', '-outform', 'der'], capture_output=True).stdout
head = url(json.dumps({'alg': 'EdDSA', 'jwk': {'kty': 'OKP', 'crv': 'Ed25519', 'x': url(der[-32:])}}).encode())
def sign(payload):
    open('message', 'wb').write((head + '.' + url(payload)).encode())
    return url(subprocess.run(['openssl', 'pkeyutl', '-sign', '-inkey', 'ed.pem', '-rawin', '-in', 'message'], capture_output=True, check=True).stdout)
tag = open('tag', 'rb').read()
json.dump({'protected': head, 'signature': sign(tag)}, open('good.jws', 'w'), separators=(',', ':'))
json.dump({'protected': head, 'signature': sign(b'x')}, open('bad.jws', 'w'), separators=(',', ':'))
json.dump({'protected': head, 'payload': url(tag), 'signature': sign(tag)}, open('tag.jws', 'w'), separators=(',', ':'))
json.dump({'protected': head, 'payload': url(tag), 'signature': sign(b'x')}, open('tagbad.jws', 'w'), separators=(',', ':'))
PY
ask 422 "a wrong signature is not taken" POST $t/signature -H "$alice" -H "Content-Type: application/jose+json" --data-binary @bad.jws
ask 201 "a right one is" POST $t/signature -H "$alice" -H "Content-Type: application/jose+json" --data-binary @good.jws
ask 409 "once" POST $t/signature -H "$alice" -H "Content-Type: application/jose+json" --data-binary @good.jws
ask 200 "it can be had" GET $t/signature
[ "$(cat answer)" = "[$(cat good.jws)]" ]; result $? "as it was"
put 422 "a tag with a wrong signature is not taken" $api/alice/hello/_tag/3.0.0 application/jose+json tagbad.jws -H "$alice"
put 201 "a signed tag is" $api/alice/hello/_tag/3.0.0 application/jose+json tag.jws -H "$alice"
ask 200 "and comes back" GET $api/alice/hello/_tag/3.0.0
cmp -s answer tag.jws; result $? "byte for byte"
put 201 "its root is what it signs" $api/alice/hello/_tag/3.0.0/tree $t_directory root -H "$alice"

# Uploads that are taken up again.
u=$api/bob/up
put 201 "a repository of another user" $u application/json public -H "$bob"
entry application/wasm large >tag5
put 201 "with a tag" $u/_tag/1.0.0 $t_entry tag5 -H "$bob"
ask 401 "not everybody uploads" POST $u/_upload
ask 201 "an upload begins" POST $u/_upload -H "$bob"
up=$(sed -n 's/^Location: //ip' headers | tr -d '\r')
head -c 1000000 large >part1
tail -c +1000001 large >part2
ask 204 "a part comes" PATCH "$up" -H "$bob" -H "Upload-Offset: 0" --data-binary @part1
ask 204 "how much there is can be asked" HEAD "$up" -H "$bob"
head_has "upload-offset: 1000000" "and is told"
ask 409 "a part has to fit" PATCH "$up" -H "$bob" -H "Upload-Offset: 5" --data-binary @part2
head -c 2500000 /dev/zero >zeros
ask 507 "no more than the quota is taken" PATCH "$up" -H "$bob" -H "Upload-Offset: 1000000" --data-binary @zeros
ask 201 "another upload" POST $u/_upload -H "$bob"
ask 204 "is thrown away" DELETE "$(sed -n 's/^Location: //ip' headers | tr -d '\r')" -H "$bob"
ask 201 "a fresh one" POST $u/_upload -H "$bob"
up=$(sed -n 's/^Location: //ip' headers | tr -d '\r')
ask 204 "begins" PATCH "$up" -H "$bob" -H "Upload-Offset: 0" --data-binary @part1
ask 404 "an upload is its repository's" HEAD "$(echo "$up" | sed 's/up/none/')" -H "$bob"
stop_drawbridge
is_status 0 "SIGTERM ends it"
# shellcheck disable=SC2086 # words
start_drawbridge $store_options --cert server.crt --key server.key --ca ca.crt --metrics-addr 127.0.0.1:0 \
    --user-repositories-max 4 --retention 0 --care-interval 1
ask 204 "after a restart the rest comes" PATCH "$up" -H "$bob" -H "Upload-Offset: 1000000" --data-binary @part2
ask 400 "which is nothing else" PUT $u/_tag/1.0.0/tree -H "$bob" -H "Drawbridge-Upload: ${up##*/}" \
    -H "Content-Type: application/wasm" -H "Content-Digest: $(digests wasm)" -H "Content-Length: 0"
ask 201 "and becomes the node" PUT $u/_tag/1.0.0/tree -H "$bob" -H "Drawbridge-Upload: ${up##*/}" \
    -H "Content-Type: application/wasm" -H "Content-Digest: $(digests large)" -H "Content-Length: 0"
ask 200 "that comes back" GET $u/_tag/1.0.0/tree
cmp -s answer large; result $? "byte for byte"
ask 404 "the upload is gone" HEAD "$up" -H "$bob"

# Search.
ask 200 "repositories are found" GET "$api/_search?q=HEL"
is '[{"repository":"alice/hello","public":true}]' "that are public"
ask 200 "private ones are not" GET "$api/_search?q=secret"
is '[]' "by others"
ask 200 "but by their owner" GET "$api/_search?q=alice%2Fsecret" -H "$alice"
is '[{"repository":"alice/secret","public":false}]' "are"
ask 200 "a page at a time" GET "$api/_search?n=1&q=%2F"
head_has '?q=%2F&n=1&last=alice%2Fhello' "of what was asked for"
head_has 'rel="next"' "with a link to the next"

# Visibility, deletion.
ask 204 "a repository becomes private" PATCH $api/alice/hello -H "$alice" -H "Content-Type: application/json" -d '{"public":false}'
ask 401 "and is" GET $t
ask 409 "one that has tags is not deleted" DELETE $api/alice/hello -H "$alice"
ask 204 "a tag is deleted" DELETE $t2 -H "$alice"
ask 404 "and gone" GET $t2 -H "$alice"
sleep 2.5
put 201 "its name is free when the retention is over" $t2 $t_entry tag2 -H "$alice"
stop_drawbridge
# shellcheck disable=SC2086 # words
start_drawbridge $store_options --cert server.crt --key server.key --ca ca.crt --retention 1000 --care-interval 1 --metrics-addr 127.0.0.1:0 \
    --log-format json
ask 204 "another deleted one" DELETE $t4 -H "$alice"
ask 200 "is listed for its owner" GET "$api/alice/secret/_tag?deleted=1" -H "$alice"
is '["1.1.0"]' "as such"
put 409 "its name is not free" $t4 $t_entry tag4 -H "$alice"
ask 204 "and restored" POST $t4/restore -H "$alice"
ask 409 "once" POST $t4/restore -H "$alice"
ask 200 "and is there" GET $t4/tree -H "$alice"

# Operation.
metrics=http://127.0.0.1:$(sed -n 's/metrics on port //p' listening)
curl -s "$metrics/metrics" >answer
has 'drawbridge_answers_total{status="204"}' "there are metrics of answers"
has 'drawbridge_provider_fetches_total' "and of the provider"
python3 -c "
import json
lines = [json.loads(line) for line in open('log')]
print(any(line.get('kind') == 'tag' and line.get('name') == 'alice/secret' and line.get('status') == '204' for line in lines))" >"$out"
out_is True "logs can be objects"
kill -HUP "$pid"
wait_for reloaded log
result $? "SIGHUP reads files again"
cp server.key server.key.good
echo x >server.key
kill -HUP "$pid"
wait_for "not reloaded" log
result $? "files that are wrong are not taken"
ask 200 "and it lives on" GET /health
cp server.key.good server.key
# shellcheck disable=SC2086
try drawbridge fsck $store_options
is_status 0 "fsck is content, while it runs"
out_has " 0 problems" "and says so"
stop_drawbridge
if [ -z "$storage" ]; then
    [ -z "$(find store -perm /077)" ]; result $? "what is in the store is nobody else's"
    file=$(find store/contents -type f | head -n 1)
    python3 -c "
with open('$file', 'r+b') as f:
    f.seek(70000); byte = f.read(1); f.seek(70000); f.write(bytes([byte[0] ^ 1]))"
    # shellcheck disable=SC2086
    try drawbridge fsck $store_options
    is_status 124 "fsck finds a byte that is wrong"
    out_has "damaged" "and says where"
fi
# shellcheck disable=SC2086
try drawbridge collect $store_options
is_status 0 "garbage can be removed by hand"
finish
