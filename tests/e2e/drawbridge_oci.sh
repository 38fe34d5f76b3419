#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The OCI interface of drawbridge with skopeo and curl: packages go in by one interface and come out
# by the other.
. "${0%/*}/lib.sh"
. "$here/drawbridge_lib.sh"
need curl openssl python3 node skopeo
start_provider
start_store
# shellcheck disable=SC2086 # words
start_drawbridge $store_options --care-interval 1 --retention 0 --log-filter info
t=$(token 'test|alice' "$all")
alice="Authorization: Bearer $t"
printf '{"subject":"test|alice"}' >user
printf '{"public":true}' >public
printf '{"public":false}' >private
put 201 "a user" $api/alice application/json user -H "$alice"
put 201 "a repository" $api/alice/oci application/json public -H "$alice"
put 201 "a private one" $api/alice/hidden application/json private -H "$alice"

# The base, and who may.
ask 401 "clients are asked who they are" GET /v2/
head_has 'www-authenticate: Basic realm="drawbridge"' "with a challenge"
has '"code":"UNAUTHORIZED"' "and an error of OCI"
ask 200 "a token is a password" GET /v2/ -u "any:$t"
ask 401 "a wrong one is not" GET /v2/ -u "any:$t.x"
ask 404 "an unknown repository has no tags" GET /v2/alice/none/tags/list
ask 404 "names have two parts" GET /v2/a/b/c/tags/list -H "$alice"
ask 404 "an unknown blob" GET "/v2/alice/oci/blobs/sha256:$(printf %064d 0)"
has BLOB_UNKNOWN "is told by its code"
ask 404 "an unknown manifest" GET /v2/alice/oci/manifests/latest
has MANIFEST_UNKNOWN "as well"
ask 400 "a malformed reference is refused" GET /v2/alice/oci/manifests/..%2f

# An artifact as others make them: an OCI layout that skopeo pushes.
head -c 300000 /dev/urandom >module.wasm
printf 'args = ["a"]\n' >config.toml
python3 - <<'PY'
import hashlib, json, os
os.makedirs('layout/blobs/sha256', exist_ok=True)
def blob(data):
    digest = hashlib.sha256(data).hexdigest()
    open(f'layout/blobs/sha256/{digest}', 'wb').write(data)
    return {'digest': 'sha256:' + digest, 'size': len(data)}
module = open('module.wasm', 'rb').read()
layer = blob(module) | {'mediaType': 'application/wasm'}
titled = layer | {'annotations': {'org.opencontainers.image.title': 'main.wasm'}}
toml = blob(open('config.toml', 'rb').read()) | {'mediaType': 'application/toml', 'annotations': {'org.opencontainers.image.title': 'Enarx.toml'}}
config = blob(json.dumps({'created': '2026-01-01T00:00:00Z', 'architecture': 'wasm', 'os': 'wasip1', 'layerDigests': [layer['digest']]}).encode())
config['mediaType'] = 'application/vnd.wasm.config.v0+json'
entries = []
for name, layers in {'one': [layer], 'two': [titled, toml]}.items():
    manifest = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'config': config, 'layers': layers}
    entries.append(blob(json.dumps(manifest, indent=1).encode()) | {'mediaType': manifest['mediaType'], 'annotations': {'org.opencontainers.image.ref.name': name}})
json.dump({'schemaVersion': 2, 'manifests': entries}, open('layout/index.json', 'w'))
open('layout/oci-layout', 'w').write('{"imageLayoutVersion":"1.0.0"}')
PY
repository=docker://127.0.0.1:$port/alice/oci
copy() { # from to
    try skopeo --insecure-policy copy --src-tls-verify=false --dest-tls-verify=false --preserve-digests "$@"
}
copy --dest-creds "alice:$t" oci:layout:one "$repository:1.0.0"
is_status 0 "skopeo pushes an artifact"
copy --dest-creds "alice:$t" oci:layout:two "$repository:2.0.0"
is_status 0 "and one of two files"
copy --dest-creds "alice:$t" oci:layout:two "$repository:latest"
is_status 0 "and a tag that is no version"
copy oci:layout:one "$repository:3.0.0"
[ "$status" != 0 ]; result $? "but not without a token"
copy --dest-creds "alice:$t" oci:layout:two "$repository:1.0.0"
[ "$status" != 0 ]; result $? "and a version is never changed"
copy --dest-creds "alice:$t" oci:layout:one "$repository:1.0.0"
is_status 0 "but pushed again as it is"
ask 200 "the same package is there by the original's interface" GET $api/alice/oci/_tag/1.0.0/tree
cmp -s answer module.wasm; result $? "byte for byte"
head_has "content-type: application/wasm" "with its type"
ask 200 "one of several files is a directory" GET $api/alice/oci/_tag/2.0.0/tree/main.wasm
cmp -s answer module.wasm; result $? "with the module"
ask 200 "and" GET $api/alice/oci/_tag/2.0.0/tree/Enarx.toml
cmp -s answer config.toml; result $? "its configuration"
ask 200 "what is no version is no tag there" GET $api/alice/oci/_tag
is '["1.0.0","2.0.0"]' "and not listed"
try skopeo list-tags --tls-verify=false "$repository"
out_has latest "but by OCI it is"

# Pull.
mkdir pulled
copy "$repository:2.0.0" oci:pulled:two
is_status 0 "skopeo pulls it"
diff -r layout/blobs pulled/blobs >"$out" 2>&1
grep -v '^Only in layout' "$out" | grep -q . ; [ $? = 1 ]; result $? "with the same blobs"
try skopeo inspect --raw --tls-verify=false "$repository:2.0.0"
[ "sha256:$(sha256sum <"$out" | cut -d' ' -f1)" = "$(python3 -c "import json; print(json.load(open('layout/index.json'))['manifests'][1]['digest'])")" ]
result $? "and the very manifest"

# From the original's interface to OCI.
printf '{"Enarx.toml":%s,"main.wasm":%s}' "$(entry application/toml config.toml)" "$(entry application/wasm module.wasm)" >root
entry $t_directory root >tag
n=$api/alice/oci/_tag/4.0.0
put 201 "a package of the original's interface" $n $t_entry tag -H "$alice"
ask 404 "is no manifest while it has no tree" GET /v2/alice/oci/manifests/4.0.0
put 201 "its root" $n/tree $t_directory root -H "$alice"
put 201 "its module" $n/tree/main.wasm application/wasm module.wasm -H "$alice"
ask 404 "and while it is not complete" GET /v2/alice/oci/manifests/4.0.0
put 201 "its configuration" $n/tree/Enarx.toml application/toml config.toml -H "$alice"
mkdir native
copy "$repository:4.0.0" oci:native:four
is_status 0 "skopeo pulls it"
[ -f "native/blobs/sha256/$(sha256sum <module.wasm | cut -d' ' -f1)" ]; result $? "with its module"
copy --dest-creds "alice:$t" oci:native:four "$repository:5.0.0"
is_status 0 "pushed again"
ask 200 "it is the same tree" GET $api/alice/oci/_tag/5.0.0/tree
cmp -s answer root; result $? "byte for byte"
ask 204 "a version is deleted" DELETE $n -H "$alice"
ask 404 "and gone for OCI" GET /v2/alice/oci/manifests/4.0.0

# An image, by podman.
pod() { podman --storage-driver vfs --root "$work/pod" --runroot "$work/podrun" "$@"; }
mkdir image
printf 'FROM scratch\nCOPY file /file\n' >image/Containerfile
cp module.wasm image/file
if ! command -v podman >/dev/null; then
    skip "podman pushes and pulls an image" "there is no podman"
elif ! pod build -q -t x image >"$out" 2>"$err"; then
    skip "podman pushes and pulls an image" "podman builds no image here: $(tail -n 1 "$err")"
else
    try pod push --tls-verify=false --creds "alice:$t" x "127.0.0.1:$port/alice/oci:image"
    is_status 0 "podman pushes an image"
    pod rmi -af >/dev/null 2>&1
    try pod pull --tls-verify=false "127.0.0.1:$port/alice/oci:image"
    is_status 0 "and pulls it"
fi

# By hand: ranges, parts, mounts, referrers, deletion.
m=sha256:$(sha256sum <module.wasm | cut -d' ' -f1)
ask 206 "a part of a blob" GET /v2/alice/oci/blobs/$m -H "Range: bytes=100-199"
[ "$(wc -c <answer)" = 100 ]; result $? "is a part"
ask 200 "its head" HEAD /v2/alice/oci/blobs/$m
head_has "docker-content-digest: $m" "has its digest"
ask 202 "an upload" POST /v2/alice/hidden/blobs/uploads/ -H "$alice"
up=$(sed -n 's/^Location: //ip' headers | tr -d '\r')
head -c 100000 module.wasm >p1; tail -c +100001 module.wasm >p2
ask 202 "takes a part" PATCH "$up" -H "$alice" -H "Content-Range: 0-99999" --data-binary @p1
head_has "range: 0-99999" "and says how much it has"
ask 416 "a part has to fit" PATCH "$up" -H "$alice" -H "Content-Range: 5-9" --data-binary 12345
ask 204 "it can be asked" GET "$up" -H "$alice"
ask 400 "another digest is refused" PUT "$up?digest=sha256:$(printf %064d 0)" -H "$alice" --data-binary @p2
ask 202 "another upload" POST /v2/alice/hidden/blobs/uploads/ -H "$alice"
up=$(sed -n 's/^Location: //ip' headers | tr -d '\r')
ask 201 "in one piece" PUT "$up?digest=$m" -H "$alice" --data-binary @module.wasm
ask 200 "is a blob" GET /v2/alice/hidden/blobs/$m -H "$alice"
cmp -s answer module.wasm; result $? "byte for byte"
ask 401 "that nobody else reads" GET /v2/alice/hidden/blobs/$m
c=sha256:$(sha256sum <config.toml | cut -d' ' -f1)
ask 201 "a blob is taken over" POST "/v2/alice/hidden/blobs/uploads/?mount=$c&from=alice/oci" -H "$alice"
ask 202 "one that is not there is not" POST "/v2/alice/hidden/blobs/uploads/?mount=sha256:$(printf %064d 0)&from=alice/oci" -H "$alice"
one=$(python3 -c "import json; print(json.load(open('layout/index.json'))['manifests'][0]['digest'])")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.enarx.config.v1+toml","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"%s","size":13},"layers":[],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":5}}' "$c" "$one" >ref.json
r=sha256:$(sha256sum <ref.json | cut -d' ' -f1)
ask 201 "a manifest that refers to another" PUT /v2/alice/oci/manifests/$r -H "$alice" -H "Content-Type: application/vnd.oci.image.manifest.v1+json" --data-binary @ref.json
head_has "oci-subject: $one" "is noticed"
ask 200 "and found" GET "/v2/alice/oci/referrers/$one?artifactType=application/vnd.enarx.config.v1%2Btoml"
has "$r" "by what it refers to"
head_has "oci-filters-applied: artifactType" "and its type"
ask 200 "by another type" GET "/v2/alice/oci/referrers/$one?artifactType=x"
has '"manifests":[]' "it is not"
ask 400 "a manifest needs its blobs" PUT /v2/alice/hidden/manifests/x -H "$alice" -H "Content-Type: application/vnd.oci.image.manifest.v1+json" \
    --data-binary @layout/blobs/sha256/"${one#sha256:}"
ask 202 "a tag is deleted" DELETE /v2/alice/oci/manifests/latest -H "$alice"
ask 404 "and gone" GET /v2/alice/oci/manifests/latest
ask 202 "a manifest is deleted" DELETE /v2/alice/oci/manifests/$r -H "$alice"
ask 404 "and gone" GET /v2/alice/oci/manifests/$r
ask 200 "also from those that refer" GET "/v2/alice/oci/referrers/$one"
has '"manifests":[]' "to the other"
ask 200 "tags have pages" GET "/v2/alice/oci/tags/list?n=1"
is '{"name":"alice/oci","tags":["1.0.0"]}' "of the size wanted"
head_has 'link: </v2/alice/oci/tags/list?n=1&last=1.0.0>; rel="next"' "and a link to the next"
# shellcheck disable=SC2086
try "$DRAWBRIDGE" fsck $store_options
is_status 0 "fsck is content"
stop_drawbridge
is_status 0 "it ends"
finish
