#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands of enarx for a Drawbridge, against the real server and a real OpenID provider.
# Without this, nobody would notice that people can no longer publish, fetch or sign.
. "${0%/*}/lib.sh"
. "$here/drawbridge_lib.sh"
need curl openssl python3 node
unset ENARX_TOKEN ENARX_TOKEN_FILE ENARX_STORE_HOST ENARX_CREDENTIAL_HELPER
export XDG_DATA_HOME="$work/data"

# Digests of trees: the reference values of the original.
mkdir package
printf 'steward = "example.com"\nargs = ["foo", "bar"]' >package/Enarx.toml
printf '\336\255\276\357' >package/main.wasm
mkdir -p nested/test-dir
printf foo >nested/test-file-foo
printf bar >nested/test-dir/test-file-bar
try enarx tree digest nested
is_status 0 "a nested tree is digested"
out_has "2sEkTVVLPkT8pUNfBNVqiu5a2CogIEB1aJvHUA2IjcE=" "and lists what is behind a directory, too"
out_has "length   742" "with its length"
try enarx tree digest nested/test-file-foo --json
out_has '"sha-224": "CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w=="' "a file has all four digests"
ln -s test-file-foo nested/link
try enarx tree digest nested
is_status 120 "a symbolic link is refused"
err_has "nested/link" "by its name"
rm nested/link

# What needs no server.
try enarx repo info alice/hello
is_status 120 "a host has to be known"
err_has "ENARX_STORE_HOST" "and the hint says from where"
for slug in al.ice/hello host/x/alice/hello /alice/hello alice alice/hel_lo alice/hello:1.0.0; do
    try enarx repo info --store-host localhost $slug
    is_status 120 "$slug is no repository"
done
for slug in alice/hello alice/hello:v1 alice/hello:1.0.0/x; do
    try enarx package info --store-host localhost $slug
    is_status 120 "$slug is no tag"
done
try enarx user register localhost:1/alice
is_status 120 "registering needs a token"
err_has "there is no token for localhost:1" "which is told"
err_has "enarx user login" "with what to do"

# shellcheck disable=SC2034 # read by start_provider
audience=https://store.example/
start_provider
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.crt \
    -subj /CN=localhost -days 5 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
scheme=https
start_drawbridge --store store --cert server.crt --key server.key
export ENARX_STORE_HOST="127.0.0.1:$port" ENARX_CA_BUNDLE="$work/server.crt" ENARX_OIDC_DOMAIN="$issuer"
token 'test|subject' "$all" >alice.token
token 'test|bob' "$all" >bob.token
as_alice() { ENARX_TOKEN="$(cat alice.token)" enarx "$@"; }
as_bob() { ENARX_TOKEN="$(cat bob.token)" enarx "$@"; }

# Users.
try env ENARX_CA_BUNDLE="$here/lib.sh" "$ENARX" user info testuser
is_status 121 "a bundle without roots is refused"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout x.key -out other.crt -subj /CN=x -days 5 2>/dev/null
try env ENARX_CA_BUNDLE=other.crt "$ENARX" user info testuser
is_status 124 "a server for which nobody vouches gets nothing"
err_has "--ca-bundle" "and the hint says what would help"
try as_alice user info testuser
err_has 'Failed to get record for user: testuser: GET request failed: request failed with status code `401`: User with OpenID Connect subject `test|subject` not found' \
    "who has no user is told so, in the words of the original"
try enarx user register --insecure-auth-token x testuser
is_status 121 "a token that is none is noticed before it is sent"
token 'test|subject' "$all" ttl=-3600 >expired.token
try enarx user register --token-file expired.token testuser
is_status 124 "an expired one is refused"
err_has "The token expired at" "and the hint says why"
try as_alice user register testuser
is_status 0 "a user is registered"
try as_alice user register testuser2
err_has 'Failed to register new user: PUT request failed: request failed with status code `409`: User already associated with OpenID Connect subject `test|subject`' \
    "once, in the words of the original"
try as_alice user info --json testuser
out_is '{
  "subject": "test|subject"
}' "it is shown"
try as_bob user register bob
is_status 0 "another one"

# Repositories.
try as_alice repo info testuser/test-repo
err_has 'Failed to retrieve repository information: GET request failed: request failed with status code `404`: Repository does not exist' \
    "a repository that is not there is told"
try as_alice package info testuser/test-repo:0.1.0
err_has 'Failed to retrieve package information: GET request failed: request failed with status code `404`' "so is its package"
try as_alice repo register testuser/test-repo
is_status 0 "a repository is made"
try as_alice repo register --private testuser/secret
is_status 0 "and a private one"
try as_alice repo info --json testuser/test-repo
out_is '{
  "config": {
    "public": true
  },
  "tags": []
}' "it is shown in the form of the original"

# Publishing.
cp package/main.wasm wrong-name.wasm
try as_alice package publish testuser/test-repo:1.0.0 wrong-name.wasm
is_status 120 "a package is main.wasm"
err_has "Invalid file name: wrong-name.wasm" "as the original says"
mkdir bad && cp package/main.wasm bad/ && echo x >bad/other.txt
try as_alice package publish testuser/test-repo:1.0.0 bad
err_has "Invalid file name: bad/other.txt" "also in a directory"
mkdir -p bad2/sub
try as_alice package publish testuser/test-repo:1.0.0 bad2
err_has "Publishing nested directories is not supported" "without directories in it"
try enarx package publish testuser/test-repo:1.0.0 package
is_status 120 "nobody publishes without a token"
try as_bob package publish testuser/test-repo:1.0.0 package
is_status 124 "nor in the repository of somebody else"
try as_alice package publish testuser/test-repo:1.0.0 package/main.wasm
is_status 0 "a file is published"
try as_alice package publish testuser/test-repo:2.0.0 package
is_status 0 "a directory is published"
try enarx package info --json testuser/test-repo:2.0.0
out_has '"length": 703' "everybody sees it"
try as_alice package publish testuser/test-repo:2.0.0 package
is_status 0 "publishing it again is no mistake"
err_has "Everything was there already." "and changes nothing"
try as_alice package publish testuser/test-repo:2.0.0 package/main.wasm
is_status 124 "but a tag is not replaced"
try as_alice repo info testuser/test-repo
out_is 'public
  1.0.0
  2.0.0' "both are listed"
head -c 20500000 /dev/urandom >nested/test-dir/large
try as_alice package publish --any-files testuser/secret:1.0.0-rc.1+b nested
is_status 0 "a nested one with a large file is published"

# A network that breaks: two connections after 6 MB, in the middle of a chunk.
python3 "$here/drawbridge_breaker.py" "$port" 2 6000000 >breaker.out &
breaker=$!
wait_for port breaker.out
host=127.0.0.1:$(sed -n 's/port //p' breaker.out)
try as_alice package publish --any-files "$host/testuser/secret:1.0.1" nested
kill "$breaker"
is_status 0 "an upload goes on after connections that broke"
[ "$(grep -c cut breaker.out)" = 2 ]; result $? "and they did"
try as_alice package fetch testuser/secret:1.0.1 mended
diff -r nested mended >"$out"; result $? "nothing is missing"

# Fetching.
try enarx package fetch testuser/test-repo:2.0.0 fetched
is_status 0 "a package is fetched"
diff -r package fetched >"$out"; result $? "as it was"
try enarx package fetch testuser/test-repo:2.0.0 fetched
is_status 120 "and never over something else"
try enarx package fetch testuser/test-repo:2.0.0 slash/
is_status 0 "a slash at the end does not matter"
try enarx package fetch testuser/test-repo:1.0.0 file.wasm
cmp -s file.wasm package/main.wasm; result $? "a single file comes as a file"
try enarx package fetch testuser/secret:1.0.0-rc.1+b stolen
is_status 124 "what is private is not fetched by everybody"
err_has "No token was sent" "and the hint says why"
[ ! -e stolen ]; result $? "nothing is left of it"
try as_alice package fetch testuser/secret:1.0.0-rc.1+b mine
is_status 0 "but by its owner"
diff -r nested mine >"$out"; result $? "with directories and large files"
try as_alice tree fetch testuser/secret:1.0.0-rc.1+b test-dir/test-file-bar bar
[ "$(cat bar)" = bar ]; result $? "one file can be fetched"
try as_alice tree fetch testuser/secret:1.0.0-rc.1+b test-dir part
diff -r nested/test-dir part >"$out"; result $? "or one directory"
try as_alice tree fetch testuser/secret:1.0.0-rc.1+b nothing none
err_has "the package has no nothing" "what is not there is told"
for path in ../x a/../../x; do
    try as_alice tree fetch testuser/secret:1.0.0-rc.1+b $path climb
    is_status 120 "$path is no path in a package"
done
try as_alice tree info testuser/secret:1.0.0-rc.1+b
out_has "/test-dir/large" "a tree is listed"
try as_alice tree info --json testuser/secret:1.0.0-rc.1+b test-dir
out_has '"/test-dir/test-file-bar": {"digest":' "a part of it as JSON"
[ -z "$(find . -name '.enarx-fetch-*')" ]; result $? "no temporary directory stays"

# Grants.
try as_bob repo info testuser/secret
is_status 124 "a private repository is not shown to others"
try as_alice repo grant testuser/secret nobody
is_status 124 "who is no user gets no grant"
try as_alice repo grant --access read testuser/secret bob
is_status 0 "a grant is given"
try as_alice repo grant testuser/secret
out_is "read   bob" "and listed"
try as_bob package info testuser/secret:1.0.0-rc.1+b
is_status 0 "then the other reads"
try as_alice repo grant --revoke testuser/secret bob
is_status 0 "it is taken back"
try as_bob package info testuser/secret:1.0.0-rc.1+b
is_status 124 "then no more"

# Search.
try enarx repo search TEST
out_is "public   testuser/test-repo" "public repositories are found"
try as_alice repo search --json secret
out_has '"public": false' "one's own private ones as well"

# Deployment tokens.
try enarx repo token generate testuser/secret
is_status 120 "not everybody makes tokens"
try as_alice repo token generate --lifetime 5 testuser/secret
is_status 120 "their lifetime has bounds"
try as_alice repo token generate --tag 1.0.0-rc.1+b testuser/secret
is_status 0 "a token is made"
cp "$out" deploy.token
try enarx package info --token-file deploy.token testuser/secret:1.0.0-rc.1+b
is_status 0 "and reads"
try as_alice repo token info testuser/secret
out_has "scope    read" "it is listed"
id=$(sed -n 's/^id  //p' "$out")
try as_alice repo token info testuser/secret "$id"
out_has "$id" "by its name"
try as_alice repo token revoke testuser/secret "$id"
is_status 0 "it is revoked"
try enarx package info --token-file deploy.token testuser/secret:1.0.0-rc.1+b
is_status 124 "and is none any more"
try as_alice repo token generate --scope write --scope read testuser/secret
cp "$out" deploy.token
try enarx package publish --token-file deploy.token testuser/secret:1.1.0 package
is_status 0 "a token that writes publishes"

# Yank.
try as_bob package yank testuser/test-repo:1.0.0
is_status 124 "others do not yank"
try as_alice package yank --reason 'a "defect"' testuser/test-repo:1.0.0
is_status 0 "a tag is yanked"
try enarx package info testuser/test-repo:1.0.0
err_has 'was yanked: its owner advises against its use: a "defect"' "and who asks for it is warned and told why"
try as_alice package yank --undo testuser/test-repo:1.0.0
is_status 0 "that is taken back"
try as_alice repo yank testuser/test-repo
out_is 'yanked  1.0.0
yanked  2.0.0' "a whole repository is yanked"
try as_alice repo info testuser/test-repo
out_is public "then nothing is listed"
try as_alice repo yank --undo --json testuser/test-repo
out_has '"2.0.0"' "and that is taken back, too"

# Signatures.
openssl ecparam -name prime256v1 -genkey -noout -out sign.key 2>/dev/null
try enarx package verify --signer x testuser/test-repo:2.0.0
is_status 1 "what nobody signed is refused"
try as_alice package sign --key sign.key testuser/test-repo:2.0.0
is_status 0 "a tag is signed"
signer=$(cat "$out")
try as_alice package sign --key sign.key testuser/test-repo:2.0.0
is_status 124 "once with a key"
try enarx package verify --signer "$signer" testuser/test-repo:2.0.0 fetched
is_status 0 "the signature is verified, and the content"
out_has "signed by  $signer" "and the signer is told"
try enarx package verify --signer "$signer" testuser/test-repo:1.0.0
is_status 1 "a signature is that of one tag"
try enarx package verify --json --signer "${signer#?}" testuser/test-repo:2.0.0
is_status 1 "other keys do not count"
echo more >>fetched/Enarx.toml
try enarx package verify testuser/test-repo:2.0.0 fetched
is_status 1 "content that was changed is noticed"
openssl ecparam -name secp384r1 -genkey -noout -out p384.key 2>/dev/null
try as_alice package sign --key p384.key testuser/test-repo:2.0.0
is_status 121 "a key on another curve is refused"

# Login: a person with a browser is played by a script.
try enarx user info testuser
is_status 124 "without a login nothing is known"
python3 "$here/drawbridge_login.py" 'test|subject' "$ENARX" user login >"$out" 2>"$err"
status=$?
is_status 0 "the device flow logs in"
out_has "Login successful." "and says so"
try enarx user info testuser
out_is "subject  test|subject" "the token is used from then on"
[ "$(stat -c %a "data/enarx/tokens/127.0.0.1:$port")" = 600 ]; result $? "its file is not open to others"
chmod 644 "data/enarx/tokens/127.0.0.1:$port"
try enarx user info testuser
is_status 121 "one that is open is not used"
try enarx user logout
out_is "Credentials removed." "logging out removes it"
try enarx user logout --json
out_has '"removed": false' "once"
python3 "$here/drawbridge_login.py" 'test|subject' "$ENARX" user login --json --oidc-flow code >"$out" 2>"$err"
status=$?
is_status 0 "the code flow logs in"
try enarx user info testuser
out_is "subject  test|subject" "as the same person"
try enarx user logout
try enarx user login --oidc-domain http://login.example.com
is_status 120 "a provider that is not protected is refused"

# Renewal. Tokens of 30 seconds are renewed before each command, as less than a minute is left.
kept="data/enarx/tokens/127.0.0.1:$port"
member() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))' "$kept" "$1"; }
log_in() { python3 "$here/drawbridge_login.py" 'test|subject' "$ENARX" user login "$@" >"$out" 2>"$err"; }
curl -s "$issuer/lifetime?ttl=30"
for flow in code device; do
    log_in --oidc-flow $flow
    [ -n "$(member refresh_token)" ]; result $? "the $flow flow brings a refresh token"
    access=$(member access_token) refresh=$(member refresh_token)
    try env -u ENARX_OIDC_DOMAIN "$ENARX" user info testuser
    out_is "subject  test|subject" "a token that is about to expire is renewed without a person"
    [ "$(member access_token)" != "$access" ]; result $? "there is another access token then"
    [ "$(member refresh_token)" != "$refresh" ]; result $? "and the refresh token that the provider gave with it"
done
[ "$(stat -c %a "$kept")" = 600 ]; result $? "its file is not open to others"
running=
for i in 1 2 3 4; do
    enarx user info testuser >"at-once.$i" 2>&1 &
    running="$running $!"
done
# shellcheck disable=SC2086 # a list
wait $running
[ "$(sort -u at-once.*)" = "subject  test|subject" ]; result $? "commands at once do not use a refresh token twice"
try enarx user info testuser
out_is "subject  test|subject" "nor lose it"
curl -s "$issuer/lifetime?ttl=3600"
try enarx user info testuser
access=$(member access_token) refresh=$(member refresh_token)
try enarx user info testuser
[ "$(member access_token)" = "$access" ]; result $? "a token that is valid for longer is left alone"
expire() { # as if time had passed
    python3 - "$kept" expired.token <<'EXPIRE'
import json, sys
kept = json.load(open(sys.argv[1]))
kept["access_token"] = open(sys.argv[2]).read()
open(sys.argv[1], "w").write(json.dumps(kept))
EXPIRE
}
expire
try enarx user info testuser
out_is "subject  test|subject" "one that has expired is renewed"
expire
sed -i "s|$issuer|http://127.0.0.1:1|" "$kept"
try enarx user info testuser
err_has "the token is not renewed" "a provider that does not answer is told"
[ -n "$(member refresh_token)" ]; result $? "and the refresh token kept for later"
sed -i "s|http://127.0.0.1:1|$issuer|" "$kept"
curl -s "$issuer/token/revocation" -d client_id=enarx -d "token=$(member refresh_token)"
try enarx user info testuser
is_status 124 "a refresh token that was revoked renews nothing"
err_has "The token expired at" "the hint says why"
err_has "Log in again" "and what to do"
[ -z "$(member refresh_token)" ]; result $? "and it is not tried again"
cat expired.token >"$kept"
try enarx user info testuser
err_has "The token expired at" "a file with an access token alone is read"
cat alice.token >"$kept"
try enarx user info testuser
out_is "subject  test|subject" "as older versions wrote it"
echo '{"refresh_token": "x"}' >"$kept"
try enarx user info testuser
err_has "cannot read the token" "a file that makes no sense is refused"
try enarx user logout

# Revocation.
log_in
refresh=$(member refresh_token)
is_refused() { curl -s "$issuer/token" -d grant_type=refresh_token -d client_id=enarx -d "refresh_token=$1" | grep -q invalid_grant; }
try enarx user logout
out_is "Credentials removed." "logging out removes the tokens"
[ ! -s "$err" ]; result $? "and the provider takes part"
is_refused "$refresh"; result $? "which takes no such refresh token any more"
log_in
refresh=$(member refresh_token)
sed -i "s|$issuer|http://127.0.0.1:1|" "$kept"
try enarx user logout
is_status 0 "logging out does not need the provider"
err_has "Warning: the token is not revoked" "but tells when it does not answer"
[ ! -e "$kept" ]; result $? "the tokens are gone all the same"
! is_refused "$refresh"; result $? "here only"
log_in
sed -i 's|"client_id":"enarx"|"client_id":"other"|' "$kept"
try enarx user logout
err_has "does not revoke the token" "a provider that refuses is told"
[ ! -e "$kept" ]; result $? "and the tokens are gone as well"
log_in
chmod 644 "$kept"
try enarx user logout
err_has "is open to others" "a file that is open to others is told"
[ ! -e "$kept" ]; result $? "and removed"

# Credential helpers.
cat >helper <<'HELPER'
#!/bin/sh
case "$1" in
insert) cat >"kept-$2" ;;
show) [ -f "kept-$2" ] || exit 7; cat "kept-$2" ;;
esac
HELPER
chmod +x helper
export ENARX_CREDENTIAL_HELPER=./helper
try enarx user info testuser
err_has "Credential helper failed with exit code 7" "a helper that fails is told"
python3 "$here/drawbridge_login.py" 'test|subject' "$ENARX" user login >"$out" 2>"$err"
status=$?
is_status 0 "a helper keeps a token"
kept="kept-${issuer#http://}-127.0.0.1:$port"
grep -qx '[A-Za-z0-9_.-]*' "$kept"; result $? "under the name of provider and store, and nothing but the access token"
try enarx user info testuser
out_is "subject  test|subject" "and shows it"
try enarx user logout
is_status 120 "but cannot forget it"

finish
